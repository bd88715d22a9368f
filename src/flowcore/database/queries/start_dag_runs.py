"""queued → running, with all task instances of the run in their first states.

The Dag's row is locked, so that two schedulers never start runs of one Dag at once and
`max_active_runs` holds; a Dag that another scheduler is working on is skipped. A backfill of the Dag is a
line of its own with its own limit, and the Dag's does not concern it. What is running is counted after the
lock was had: a count in the locking statement could be older than the lock.

A run that was cleared has its task instances already, in all kinds of states. It is only set going; what
follows from them is for the scheduling routine to decide.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import attrs
import sqlalchemy as sa

from flowcore.database.dag_versions import DagVersions
from flowcore.database.queries.claims import literal, names
from flowcore.database.queries.dag_callbacks import EndedRun, ask_for_callbacks, ended_run
from flowcore.database.queries.insert_task_instances import (
    insert_missing_task_instances,
    insert_task_instances,
)
from flowcore.database.queries.unsettled_marks import mark_held, mark_whole_runs
from flowcore.database.rows import dump_rows, rows_of
from flowcore.database.tables import backfill, dag, dag_run
from flowcore.database.types import UtcDateTime
from flowcore.database.wakeups import wake
from flowcore.domain.dags import Dag
from flowcore.domain.states import DagRunState, TaskInstanceState
from flowcore.scheduler.decisions.run_changes import RunChanges
from flowcore.scheduler.decisions.run_progress import RunProgress
from flowcore.scheduler.decisions.start_dag_runs import Line, QueuedRun
from flowcore.scheduler.store import Batch, DecideStarts
from flowcore.scheduler.wake_graph import Channel

Row = sa.Row[*tuple[Any, ...]]

_r = dag_run.c
_waiting = dag_run.alias("waiting")
_active = dag_run.alias("active")
_NOW = sa.bindparam("now", type_=UtcDateTime)
_is_due = sa.and_(_waiting.c.state == literal("queued"), _waiting.c.run_after <= _NOW)
_runs = sa.and_(_active.c.dag_id == dag.c.dag_id, _active.c.state == literal("running"))
#: The Dag's backfill, of which there is one at a time; once it is completed its runs are like others.
_current = sa.and_(backfill.c.dag_id == dag.c.dag_id, backfill.c.completed_at.is_(None))


def _is_other(backfill_id: sa.ColumnElement[int | None]) -> sa.ColumnElement[bool]:
    """Say in SQL that a run is not of the current backfill; neither of them need be there."""
    of_run = sa.func.coalesce(backfill_id, sa.literal_column("0"))
    current = sa.func.coalesce(backfill.c.id, sa.literal_column("-1"))
    return of_run != current


_others_wait = sa.exists().where(
    _waiting.c.dag_id == dag.c.dag_id, _is_due, _is_other(_waiting.c.backfill_id)
)
_backfill_waits = sa.exists().where(_is_due, _waiting.c.backfill_id == backfill.c.id)


def _count_running(condition: sa.ColumnElement[bool]) -> sa.ScalarSelect[int]:
    return sa.select(sa.func.count()).where(_runs, condition).scalar_subquery()


_LOCK_DAGS = (
    sa.select(
        dag.c.dag_id,
        dag.c.max_active_runs,
        backfill.c.id.label("backfill_id"),
        backfill.c.max_active_runs.label("backfill_runs"),
        backfill.c.is_paused.label("backfill_is_paused"),
    )
    .join_from(dag, backfill, _current, isouter=True)
    .where(
        dag.c.is_paused.is_(sa.false()),
        dag.c.is_active.is_(sa.true()),
        dag.c.dag_id.in_(sa.select(_waiting.c.dag_id).where(_is_due)),
        sa.or_(
            sa.and_(
                _others_wait,
                sa.or_(
                    dag.c.max_active_runs <= 0,
                    dag.c.max_active_runs > _count_running(_is_other(_active.c.backfill_id)),
                ),
            ),
            sa.and_(
                backfill.c.is_paused.is_(sa.false()),
                _backfill_waits,
                backfill.c.max_active_runs > _count_running(_active.c.backfill_id == backfill.c.id),
            ),
        ),
    )
    .order_by(dag.c.dag_id)
    .limit(sa.bindparam("limit"))
    .with_for_update(of=dag, skip_locked=True, key_share=True)
)
#: 0 for runs of no backfill, or of one that is completed.
_line = sa.func.coalesce(backfill.c.id, sa.literal_column("0")).label("line")
_is_of = sa.and_(backfill.c.id == _r.backfill_id, backfill.c.completed_at.is_(None))
_RUNNING = (
    sa.select(_r.dag_id, _line, sa.func.count().label("n"))
    .join_from(dag_run, backfill, _is_of, isouter=True)
    .where(_r.state == literal("running"), _r.dag_id.in_(names("dags")))
    .group_by(_r.dag_id, _line)
)
_lines = rows_of("lines", dag_id=sa.Text, backfill_id=sa.BigInteger)
_QUEUED = (
    sa.select(_r.id, _r.dag_id, _line, _r.dag_version_id, _r.logical_date, _r.run_after, _r.clear_number)
    .join_from(dag_run, backfill, _is_of, isouter=True)
    .join(_lines, sa.and_(_lines.c.dag_id == _r.dag_id, _lines.c.backfill_id == _line.element))
    .where(_r.state == literal("queued"), _r.run_after <= _NOW)
    # Those of a backfill after the others, in its own order.
    .order_by(sa.func.coalesce(_r.backfill_ordinal, sa.literal_column("0")), _r.run_after, _r.id)
    .limit(sa.bindparam("limit"))
)
_NEXT_QUEUED = sa.select(sa.func.min(dag_run.c.run_after)).where(
    dag_run.c.state == literal("queued"), dag_run.c.run_after > _NOW
)
_rows = rows_of(
    "runs",
    id=sa.BigInteger,
    state=sa.Text,
    end_date=UtcDateTime,
    reason=sa.Text,
    timeout_at=UtcDateTime,
    max_active_tasks=sa.Integer,
)
_START = (
    dag_run.update()
    .values(
        state=_rows.c.state,
        start_date=sa.func.coalesce(dag_run.c.start_date, _NOW),
        end_date=_rows.c.end_date,
        timeout_at=_rows.c.timeout_at,
        reason=_rows.c.reason,
        decided_by=sa.bindparam("own"),
        max_active_tasks=_rows.c.max_active_tasks,
    )
    .where(dag_run.c.id == _rows.c.id, dag_run.c.state == literal("queued"))
)


@attrs.frozen
class Begun:
    """A run as it begins; `progress` is to be remembered once this is committed."""

    dag_run_id: int
    run_date: datetime
    progress: RunProgress
    changes: RunChanges


def start_dag_runs(
    connection: sa.Connection,
    decide: DecideStarts,
    *,
    own_lease: int,
    versions: DagVersions,
    now: datetime,
    limit: int,
) -> tuple[Batch, Sequence[Begun]]:
    """Start at most `limit` runs, as the scheduler that holds `own_lease`."""
    dags = connection.execute(_LOCK_DAGS, {"now": now, "limit": limit}).all()
    next_at = connection.scalar(_NEXT_QUEUED, {"now": now})
    if not dags:
        return Batch(next_at=next_at), ()
    limits = {line: most for row in dags for line, most in _lines_of(row)}
    running = _count(connection, dags)
    has_room = [line for line, most in limits.items() if most <= 0 or running.get(line, 0) < most]
    queued = connection.execute(_QUEUED, {"lines": dump_rows(has_room), "now": now, "limit": limit}).all()
    chosen = decide(
        [QueuedRun(row.id, (row.dag_id, row.line)) for row in queued], running=running, max_active_runs=limits
    )
    chosen_ids = {run.dag_run_id for run in chosen}
    starting = [row for row in queued if row.id in chosen_ids]
    begun = _begin(connection, [row for row in starting if not row.clear_number], versions)
    _write(connection, begun, own_lease, now)
    _resume(connection, [row for row in starting if row.clear_number], versions, own_lease, now)
    # A line that filled up leaves the next batch to others, also when another scheduler filled it.
    return Batch(moved=len(starting), more=len(queued) == limit, next_at=next_at), begun


def _lines_of(row: Row) -> Iterator[tuple[Line, int]]:
    yield (row.dag_id, 0), row.max_active_runs
    if row.backfill_id is not None and not row.backfill_is_paused:
        yield (row.dag_id, row.backfill_id), row.backfill_runs


def _count(connection: sa.Connection, dags: Sequence[Row]) -> Mapping[Line, int]:
    rows = connection.execute(_RUNNING, {"dags": dump_rows((row.dag_id,) for row in dags)})
    return {(row.dag_id, row.line): row.n for row in rows}


def _begin(connection: sa.Connection, runs: Sequence[Row], versions: DagVersions) -> list[Begun]:
    dags = versions.get(connection, (row.dag_version_id for row in runs))
    begun = []
    for row in runs:
        progress = RunProgress(dags[row.dag_version_id])
        changes = progress.settle_all()
        begun.append(Begun(row.id, row.logical_date or row.run_after, progress, changes))
    return begun


def _write(connection: sa.Connection, begun: Sequence[Begun], own_lease: int, now: datetime) -> None:
    if not begun:
        return
    runs = dump_rows(_run_row(run, now) for run in begun)
    connection.execute(_START, {"now": now, "own": own_lease, "runs": runs})
    insert_task_instances(
        connection,
        ((run.dag_run_id, run.run_date, run.progress.dag, run.progress.states()) for run in begun),
        now=now,
    )
    mark_held(connection, (run.dag_run_id for run in begun if run.progress.held))
    wake(connection, Channel.RUNS_STARTED)
    if any(TaskInstanceState.SCHEDULED in run.changes.states.values() for run in begun):
        wake(connection, Channel.SCHEDULED)
    if any(run.changes.run_state for run in begun):
        wake(connection, Channel.RUNS_ENDED)
        ask_for_callbacks(connection, (ended for run in begun for ended in _callbacks(run)), now=now)


def _callbacks(run: Begun) -> Sequence[EndedRun]:
    return ended_run(run.dag_run_id, run.progress.dag, run.changes.run_state, run.changes.reason)


def _resume(
    connection: sa.Connection, cleared: Sequence[Row], versions: DagVersions, own_lease: int, now: datetime
) -> None:
    if not cleared:
        return
    dags = versions.get(connection, (row.dag_version_id for row in cleared))
    of = {row.id: dags[row.dag_version_id] for row in cleared}
    runs = [(run_id, DagRunState.RUNNING, None, None, *_limits(dag, now)) for run_id, dag in of.items()]
    connection.execute(_START, {"now": now, "own": own_lease, "runs": dump_rows(runs)})
    insert_missing_task_instances(
        connection, ((row.id, row.logical_date or row.run_after, of[row.id]) for row in cleared), now=now
    )
    mark_whole_runs(connection, of)
    wake(connection, Channel.RUNS_STARTED)


def _run_row(run: Begun, now: datetime) -> tuple[object, ...]:
    state = run.changes.run_state or DagRunState.RUNNING
    end_date = now if run.changes.run_state else None
    return run.dag_run_id, state, end_date, run.changes.reason, *_limits(run.progress.dag, now)


def _limits(of: Dag, now: datetime) -> tuple[datetime | None, int]:
    timeout_s = of.dagrun_timeout_s
    return None if timeout_s is None else now + timedelta(seconds=timeout_s), of.max_active_tasks

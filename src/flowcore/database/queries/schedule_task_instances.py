"""Settle what finished: decide the direct downstream, end runs that are over.

The run's row is locked, so that one scheduler at a time decides for a run; its `revision` tells whether
what this process remembers of the run is still true. Marks are taken after the lock was had.

Whoever decides for a run is likely to do so again: it remembers the run, others would have to read it. So
marks are left to the scheduler that decided last, for a moment, after which anybody takes them: because it
is gone, or because it has more to do than it can.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import attrs
import sqlalchemy as sa

from flowcore.database.dag_versions import DagVersions
from flowcore.database.queries.claims import ids, literal, state_of
from flowcore.database.queries.unsettled_marks import WHOLE_RUN
from flowcore.database.rows import dump_rows, rows_of
from flowcore.database.run_cache import RunCache
from flowcore.database.tables import dag_run, lease, task_instance, unsettled
from flowcore.database.try_effects import load_effects
from flowcore.database.types import UtcDateTime, database_now
from flowcore.database.unanswered import unanswered
from flowcore.database.wakeups import wake
from flowcore.domain.states import FINISHED, DagRunState
from flowcore.scheduler.decisions.run_progress import Instance, RunChanges, RunProgress
from flowcore.scheduler.store import Batch
from flowcore.scheduler.wake_graph import Channel

Row = sa.Row[*tuple[Any, ...]]

#: For how long marks are left to the scheduler that remembers their run.
HEAD_START = timedelta(milliseconds=250)

_INSTANCE = ("dag_run_id", "position", "map_index", "state", "effects")
_NOW = sa.bindparam("now", type_=UtcDateTime)
_others = sa.select(lease.c.id).where(lease.c.id != sa.bindparam("own"))
#: 0 is no lease. A scalar subquery, because a join would be planned by reading all runs.
_decider = sa.func.coalesce(
    sa.select(dag_run.c.decided_by).where(dag_run.c.id == unsettled.c.dag_run_id).scalar_subquery(),
    sa.literal_column("0"),
)
_marks = (
    sa.select(unsettled.c.dag_run_id)
    .where(
        sa.or_(
            unsettled.c.created_at.is_(None),
            unsettled.c.created_at <= database_now(-HEAD_START.total_seconds()),
            _decider.not_in(_others),
        )
    )
    .order_by(unsettled.c.id)
    .limit(sa.bindparam("marks"))
    .subquery()
)
_LOCK_RUNS = (
    sa.select(dag_run.c.id, dag_run.c.dag_version_id, dag_run.c.revision, dag_run.c.state)
    .where(dag_run.c.id.in_(sa.select(_marks.c.dag_run_id)))
    .order_by(dag_run.c.id)
    .with_for_update(skip_locked=True, key_share=True)
)
_IS_LEFT = sa.select(sa.exists().where(unsettled.c.id.is_not(None)))
_TAKE_MARKS = (
    unsettled.delete()
    .where(unsettled.c.dag_run_id.in_(ids("runs")))
    .returning(*(unsettled.c[name] for name in _INSTANCE))
)
_INSTANCES = sa.select(*(task_instance.c[name] for name in _INSTANCE)).where(
    # Without position: its task is not in the run's version of the Dag.
    task_instance.c.dag_run_id.in_(ids("runs")),
    task_instance.c.position >= 0,
)
_states = rows_of("states", dag_run_id=sa.BigInteger, task_id=sa.Text, map_index=sa.Integer, state=sa.Text)
_is_scheduled = _states.c.state == literal("scheduled")
_WRITE_STATES = (
    task_instance.update()
    .values(
        state=_states.c.state,
        try_number=task_instance.c.try_number + sa.case((_is_scheduled, 1), else_=0),
        scheduled_at=sa.case((_is_scheduled, _NOW)),
        end_date=sa.case((_is_scheduled, None), else_=_NOW),
    )
    .where(
        task_instance.c.dag_run_id == _states.c.dag_run_id,
        task_instance.c.task_id == _states.c.task_id,
        task_instance.c.map_index == _states.c.map_index,
        task_instance.c.state.is_(None),
    )
)
_runs = rows_of("runs", id=sa.BigInteger, state=sa.Text, end_date=UtcDateTime, reason=sa.Text)
_WRITE_RUNS = (
    dag_run.update()
    .values(
        revision=dag_run.c.revision + 1,
        decided_by=sa.bindparam("own"),
        state=_runs.c.state,
        end_date=_runs.c.end_date,
        reason=_runs.c.reason,
    )
    .where(dag_run.c.id == _runs.c.id)
)


@attrs.frozen
class Settled:
    """A run that was decided on; `progress` is to be remembered once this is committed."""

    dag_run_id: int
    progress: RunProgress
    changes: RunChanges


def schedule_task_instances(
    connection: sa.Connection,
    *,
    own_lease: int,
    cache: RunCache,
    versions: DagVersions,
    now: datetime,
    limit: int,
) -> tuple[Batch, Sequence[Settled]]:
    """Settle at most `limit` marks, as the scheduler that holds `own_lease`."""
    runs = connection.execute(_LOCK_RUNS, {"marks": limit, "own": own_lease}).all()
    if not runs:
        is_left = connection.scalar(_IS_LEFT)
        return Batch(next_at=now + HEAD_START if is_left else None), ()
    keys = dump_rows((run.id,) for run in runs)
    finished: dict[int, list[Instance]] = defaultdict(list)
    marks = connection.execute(_TAKE_MARKS, {"runs": keys}).all()
    for mark in marks:
        if mark.position == WHOLE_RUN:
            cache.forget(mark.dag_run_id)
        else:
            finished[mark.dag_run_id].append(_instance(mark))
    settled = _settle(
        [run for run in runs if run.state == DagRunState.RUNNING], finished, connection, cache, versions
    )
    _write(connection, settled, own_lease, now)
    # Some may have been left to others.
    return Batch(moved=len(marks), more=len(marks) >= limit, next_at=now + HEAD_START), settled


def _settle(
    runs: Iterable[Row],
    finished: Mapping[int, Sequence[Instance]],
    connection: sa.Connection,
    cache: RunCache,
    versions: DagVersions,
) -> list[Settled]:
    remembered = {run.id: cache.take(run.id, run.revision) for run in runs}
    forgotten = [run for run in runs if remembered[run.id] is None]
    rebuilt = _rebuild(forgotten, connection, versions)
    settled: list[Settled] = []
    for run in runs:
        progress = remembered[run.id]
        if progress is None:
            progress = rebuilt[run.id]
            changes = progress.settle_all()
        else:
            changes = progress.settle(finished[run.id])
        progress.revision = run.revision + 1
        settled.append(Settled(run.id, progress, changes))
    return settled


def _rebuild(runs: Sequence[Row], connection: sa.Connection, versions: DagVersions) -> dict[int, RunProgress]:
    if not runs:
        return {}
    dags = versions.get(connection, {run.dag_version_id for run in runs})
    instances: dict[int, list[Instance]] = defaultdict(list)
    for row in connection.execute(_INSTANCES, {"runs": dump_rows((run.id,) for run in runs)}):
        instances[row.dag_run_id].append(_instance(row))
    return {
        run.id: RunProgress.of(dags[run.dag_version_id], instances[run.id], revision=run.revision)
        for run in runs
    }


def _instance(row: Row) -> Instance:
    return Instance(row.position, row.map_index, state_of(row.state), load_effects(row.effects))


def _write(connection: sa.Connection, settled: Sequence[Settled], own_lease: int, now: datetime) -> None:
    states = [
        (run.dag_run_id, run.progress.dag.tasks[position].task_id, map_index, state)
        for run in settled
        for (position, map_index), state in run.changes.states.items()
    ]
    if states:
        connection.execute(unanswered(_WRITE_STATES), {"now": now, "states": dump_rows(states)})
    if settled:
        runs = dump_rows(_run_row(run, now) for run in settled)
        connection.execute(unanswered(_WRITE_RUNS), {"runs": runs, "own": own_lease})
    if any(state not in FINISHED for *_, state in states):
        wake(connection, Channel.SCHEDULED)
    if any(run.changes.run_state for run in settled):
        wake(connection, Channel.RUNS_ENDED)


def _run_row(run: Settled, now: datetime) -> tuple[object, ...]:
    changes = run.changes
    ended = changes.run_state is not None
    return run.dag_run_id, changes.run_state or DagRunState.RUNNING, now if ended else None, changes.reason

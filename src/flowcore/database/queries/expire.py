"""What becomes due by time alone: retries, tries that were put off, and runs past their dagrun_timeout."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from flowcore.database.dag_versions import DagVersions
from flowcore.database.queries.claims import ids, is_unfinished, literal
from flowcore.database.queries.dag_callbacks import ask_for_callbacks, ended_run
from flowcore.database.queries.unsettled_marks import mark_other_runs
from flowcore.database.rows import dump_rows
from flowcore.database.tables import dag_run, task_instance
from flowcore.database.types import UtcDateTime
from flowcore.database.unanswered import unanswered
from flowcore.database.wakeups import wake
from flowcore.domain.states import DagRunState
from flowcore.scheduler.store import Batch
from flowcore.scheduler.wake_graph import Channel

Row = sa.Row[*tuple[Any, ...]]

_t = task_instance.c
_NOW = sa.bindparam("now", type_=UtcDateTime)
#: In the words of `ix_task_instance_due`.
_waits = _t.state.in_([literal("up_for_retry"), literal("up_for_reschedule")])
_is_retry = _t.state == literal("up_for_retry")
_DUE = (
    sa.select(_t.id)
    .where(_waits, _t.due_at <= _NOW)
    .order_by(_t.due_at)
    .limit(sa.bindparam("limit"))
    .with_for_update(skip_locked=True, key_share=True)
)
_SCHEDULE = (
    task_instance.update()
    .values(
        state="scheduled",
        try_number=_t.try_number + sa.case((_is_retry, 1), else_=0),
        scheduled_at=_NOW,
        due_at=None,
        # A try that was put off goes on as the one that it is.
        start_date=sa.case((_is_retry, None), else_=_t.start_date),
        end_date=None,
    )
    .where(_t.id.in_(ids("due")))
)
_OVERDUE = (
    sa.select(dag_run.c.id, dag_run.c.dag_id, dag_run.c.dag_version_id)
    .where(dag_run.c.state == literal("running"), dag_run.c.timeout_at <= _NOW)
    .order_by(dag_run.c.timeout_at)
    .limit(sa.bindparam("limit"))
    .with_for_update(skip_locked=True, key_share=True)
)
_TIME_OUT = (
    dag_run.update()
    .values(state="failed", reason="timed_out", end_date=_NOW, revision=dag_run.c.revision + 1)
    .where(dag_run.c.id.in_(ids("runs")))
)
_SKIP = (
    task_instance.update()
    # The lease stays where a try goes on: it is revoked by that, and cannot report its end any more.
    .values(state="skipped", end_date=_NOW, error="the Dag run exceeded its dagrun_timeout")
    .where(_t.dag_run_id.in_(ids("runs")), is_unfinished(_t.state))
)
_NEXT = sa.select(
    sa.select(sa.func.min(_t.due_at)).where(_waits).scalar_subquery(),
    sa.select(sa.func.min(dag_run.c.timeout_at))
    .where(dag_run.c.state == literal("running"), dag_run.c.timeout_at.is_not(None))
    .scalar_subquery(),
)


def expire(
    connection: sa.Connection, *, versions: DagVersions, now: datetime, limit: int
) -> tuple[Batch, Collection[str]]:
    """End at most `limit` runs, schedule at most `limit` tries that are due; the Dags whose runs were ended.

    Runs come first, as locks are ordered.
    """
    overdue = connection.execute(_OVERDUE, {"now": now, "limit": limit}).all()
    _time_out(connection, [row.id for row in overdue], now)
    _call_back(connection, overdue, versions, now)
    due = [row.id for row in connection.execute(_DUE, {"now": now, "limit": limit})]
    if due:
        connection.execute(_SCHEDULE, {"due": dump_rows((i,) for i in due), "now": now})
        wake(connection, Channel.SCHEDULED)
    next_at = min((at for at in connection.execute(_NEXT).one() if at is not None), default=None)
    batch = Batch(moved=len(due) + len(overdue), more=limit in (len(due), len(overdue)), next_at=next_at)
    return batch, {row.dag_id for row in overdue}


def _call_back(
    connection: sa.Connection, overdue: Sequence[Row], versions: DagVersions, now: datetime
) -> None:
    if overdue:
        dags = versions.get(connection, {row.dag_version_id for row in overdue})
        ended = (
            one
            for row in overdue
            for one in ended_run(row.id, dags[row.dag_version_id], DagRunState.FAILED, "timed_out")
        )
        ask_for_callbacks(connection, ended, now=now)


def _time_out(connection: sa.Connection, overdue: list[int], now: datetime) -> None:
    if not overdue:
        return
    runs = {"runs": dump_rows((i,) for i in overdue), "now": now}
    connection.execute(_TIME_OUT, runs)
    connection.execute(unanswered(_SKIP), runs)
    mark_other_runs(connection, overdue)
    wake(connection, Channel.RUNS_ENDED)
    wake(connection, Channel.SLOTS_FREED)
    wake(connection, Channel.REVOKED)

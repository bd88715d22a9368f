"""Callbacks of Dags: asked for where a run ends, claimed by a scheduler that has the Dag, ended.

Whoever ends a run asks in the same transaction, so that no end is without its call. A call is lost with the
lease under which it was claimed; others then claim it, so it happens at least once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from flowcore.database.queries.claims import ids, literal, names, state_of
from flowcore.database.rows import dump_rows, rows_of
from flowcore.database.run_facts import read_run_facts
from flowcore.database.tables import callback, dag_run, lease, task_instance
from flowcore.database.types import UtcDateTime
from flowcore.database.unanswered import unanswered
from flowcore.database.wakeups import wake
from flowcore.domain.dag_callbacks import (
    CallbackEnd,
    CallbackState,
    DagCallback,
    LastTask,
    Occasion,
    occasion_of,
    reason_of,
)
from flowcore.domain.dags import Dag
from flowcore.domain.states import DagRunState
from flowcore.scheduler.wake_graph import Channel

Row = sa.Row[*tuple[Any, ...]]

#: How often calls are made that were lost, or could not be made, before they are given up.
CALLS_MAX = 5
LOST = f"the process that called died or was stopped, {CALLS_MAX} times; see the logs of the schedulers"

_c, _t = callback.c, task_instance.c
_NOW = sa.bindparam("now", type_=UtcDateTime)
_ended = rows_of("ended", dag_run_id=sa.BigInteger, occasion=sa.Text, reason=sa.Text)
_telling = sa.case(
    (dag_run.c.state == literal("success"), literal("success")),
    # What was stopped because the time was over.
    (dag_run.c.reason == literal("timed_out"), literal("skipped")),
    else_=literal("failed"),
)


def _last_of_run(*conditions: sa.ColumnElement[bool]) -> sa.ScalarSelect[int]:
    return (
        sa.select(_t.id)
        .where(_t.dag_run_id == dag_run.c.id, *conditions)
        .order_by(_t.end_date.desc().nulls_last(), _t.id.desc())
        .limit(sa.literal_column("1"))
        .correlate(dag_run)
        .scalar_subquery()
    )


_ASK = callback.insert().from_select(
    ["dag_run_id", "dag_id", "occasion", "reason", "task_instance_id", "state", "token", "created_at"],
    sa.select(
        dag_run.c.id,
        dag_run.c.dag_id,
        _ended.c.occasion,
        _ended.c.reason,
        sa.func.coalesce(_last_of_run(_t.state == _telling), _last_of_run()),
        literal("pending"),
        sa.literal_column("0"),
        _NOW,
    ).join(_ended, _ended.c.dag_run_id == dag_run.c.id),
    include_defaults=False,
)
#: In the words of `ix_callback_open`.
_is_open = _c.state.in_([literal("pending"), literal("running")])
_is_waiting = sa.and_(_is_open, sa.or_(_c.lease_id.is_(None), _c.lease_id.not_in(sa.select(lease.c.id))))
_WAITING_DAGS = sa.select(_c.dag_id).where(_is_waiting).distinct()
_WAITING = (
    sa.select(_c.id, _c.token)
    .where(_is_waiting, _c.dag_id.in_(names("dags")))
    .order_by(_c.id)
    .limit(sa.bindparam("limit"))
    .with_for_update(skip_locked=True)
)
_CLAIM = (
    callback.update()
    .values(state="running", token=_c.token + 1, lease_id=sa.bindparam("lease"))
    .where(
        _c.id.in_(ids("claimed")),
        # A process whose lease was taken over claims nothing any more.
        sa.exists().where(lease.c.id == sa.bindparam("lease")),
    )
    .returning(_c.id, _c.token, _c.occasion, _c.reason, _c.created_at, _c.dag_run_id, _c.task_instance_id)
)
_LAST_TASKS = sa.select(
    *(
        _t[name]
        for name in (
            *("id", "task_id", "position", "map_index", "try_number", "max_tries"),
            *("state", "start_date", "end_date"),
        )
    )
).where(_t.id.in_(ids("last")))
_over = rows_of("over", id=sa.BigInteger, token=sa.BigInteger, state=sa.Text, error=sa.Text)
_END = (
    callback.update()
    .values(
        state=_over.c.state,
        error=_over.c.error,
        lease_id=None,
        ended_at=sa.case((_over.c.state != literal("pending"), _NOW)),
    )
    .where(_c.id == _over.c.id, _c.token == _over.c.token, _is_open)
)


_HAS_OPEN = sa.select(sa.exists().where(_c.dag_run_id == sa.bindparam("run"), _is_open))


class EndedRun(NamedTuple):
    """A run whose end its Dag's callbacks are to hear of."""

    dag_run_id: int
    occasion: Occasion
    reason: str


def ended_run(dag_run_id: int, dag: Dag, state: DagRunState | None, reason: str | None) -> list[EndedRun]:
    """The run, if it ended in a way that callbacks of its Dag are to hear of."""
    occasion = occasion_of(dag, state)
    return [] if occasion is None else [EndedRun(dag_run_id, occasion, reason_of(occasion, reason))]


def ask_for_callbacks(connection: sa.Connection, ended: Iterable[EndedRun], *, now: datetime) -> None:
    """Let the callbacks of these runs be called, once their task instances are written."""
    rows = dump_rows(ended)
    if rows != "[]":
        connection.execute(unanswered(_ASK), {"ended": rows, "now": now})
        wake(connection, Channel.CALLBACKS)


def claim_callbacks(
    connection: sa.Connection, *, own_lease: int, has_dag: Callable[[str], bool], now: datetime, limit: int
) -> Sequence[DagCallback]:
    """Claim at most `limit` calls of the Dags that this process has; the oldest come first."""
    dags = [dag_id for dag_id in connection.scalars(_WAITING_DAGS) if has_dag(dag_id)]
    if not dags:
        return ()
    waiting = connection.execute(
        _WAITING, {"dags": dump_rows((dag_id,) for dag_id in sorted(dags)), "limit": limit}
    ).all()
    lost = [CallbackEnd(callback_id=r.id, token=r.token, error=LOST) for r in waiting if r.token >= CALLS_MAX]
    end_callbacks(connection, lost, now=now)
    claimed = dump_rows((row.id,) for row in waiting if row.token < CALLS_MAX)
    rows = connection.execute(_CLAIM, {"claimed": claimed, "lease": own_lease}).all()
    return _callbacks(connection, sorted(rows, key=lambda row: row.id))


def has_open_callbacks(connection: sa.Connection, dag_run_id: int) -> bool:
    """Whether callbacks are still to be called for the run."""
    return bool(connection.scalar(_HAS_OPEN, {"run": dag_run_id}))


def end_callbacks(connection: sa.Connection, ends: Sequence[CallbackEnd], *, now: datetime) -> None:
    """Write how calls went, unless others have claimed them meanwhile."""
    if ends:
        over = dump_rows((end.callback_id, end.token, _state_after(end), end.error) for end in ends)
        connection.execute(unanswered(_END), {"over": over, "now": now})
        wake(connection, Channel.CALLBACKS)


def _state_after(end: CallbackEnd) -> CallbackState:
    if end.given_back:
        return CallbackState.PENDING
    return CallbackState.SUCCESS if end.error is None else CallbackState.FAILED


def _callbacks(connection: sa.Connection, rows: Sequence[Row]) -> Sequence[DagCallback]:
    if not rows:
        return ()
    facts = read_run_facts(connection, {row.dag_run_id for row in rows})
    keys = dump_rows((row.task_instance_id,) for row in rows if row.task_instance_id is not None)
    last = {row.id: _last_task(row) for row in connection.execute(_LAST_TASKS, {"last": keys})}
    return [
        DagCallback(
            id=row.id,
            token=row.token,
            occasion=Occasion(row.occasion),
            reason=row.reason,
            happened_at=row.created_at,
            run=facts[row.dag_run_id],
            last=last.get(row.task_instance_id),
        )
        for row in rows
    ]


def _last_task(row: Row) -> LastTask:
    fields = {**row._mapping, "state": state_of(row.state)}
    return LastTask(task_instance_id=fields.pop("id"), **fields)

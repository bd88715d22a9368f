"""Take over the tries of processes whose lease lapsed, and forget the process when it has none left."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from flowcore.database.queries.claims import holds_slots, ids, is_active, is_revoked
from flowcore.database.queries.task_tries import insert_tries
from flowcore.database.queries.unsettled_marks import Mark, mark_unsettled, mark_whole_runs
from flowcore.database.rows import dump_rows, rows_of
from flowcore.database.tables import lease, task_instance
from flowcore.database.types import UtcDateTime, database_now
from flowcore.database.wakeups import wake
from flowcore.domain.states import TaskInstanceState
from flowcore.scheduler.store import Batch, DecideLoss
from flowcore.scheduler.wake_graph import Channel

Row = sa.Row[*tuple[Any, ...]]

_t = task_instance.c
_LAPSED = (
    sa.select(lease.c.id)
    .where(lease.c.expires_at <= database_now(), lease.c.id != sa.bindparam("own"))
    .order_by(lease.c.id)
    .limit(sa.bindparam("limit"))
    .with_for_update(skip_locked=True)
)
_HELD = (
    sa.select(
        _t.id,
        _t.dag_run_id,
        _t.position,
        _t.map_index,
        _t.state,
        _t.token,
        _t.try_number,
        _t.lost_tries,
        _t.reschedules,
        _t.lease_id,
        _t.start_date,
    )
    .where(
        holds_slots(_t.lease_id),
        is_active(_t.state),
        # A claim that ran while the lease was being forgotten may have come too late to see that.
        sa.or_(_t.lease_id.in_(ids("leases")), _t.lease_id.not_in(sa.select(lease.c.id))),
    )
    .order_by(_t.id)
    .with_for_update(key_share=True)
)
_lost = rows_of(
    "lost", id=sa.BigInteger, state=sa.Text, lost_tries=sa.Integer, error=sa.Text, end_date=UtcDateTime
)
_TAKE_BACK = (
    task_instance.update()
    .values(
        state=_lost.c.state,
        lost_tries=_lost.c.lost_tries,
        error=_lost.c.error,
        end_date=_lost.c.end_date,
        lease_id=None,
        start_date=sa.case((_lost.c.end_date.is_not(None), _t.start_date)),
        # The lost try may still be alive somewhere: what it reports from now on is refused.
        token=_t.token + 1,
    )
    .where(_t.id == _lost.c.id)
)
_LET_GO = (
    task_instance.update().values(lease_id=None).where(_t.lease_id.in_(ids("leases")), is_revoked(_t.state))
)
_FORGET = lease.delete().where(lease.c.id.in_(ids("leases")))
_NEXT_LAPSE = sa.select(sa.func.min(lease.c.expires_at), database_now()).where(
    lease.c.id != sa.bindparam("own")
)

LOST = "the process that ran this try died or lost its lease"


def recover_task_instances(
    connection: sa.Connection, decide: DecideLoss, *, own_lease: int, now: datetime, limit: int
) -> Batch:
    """Recover the tries of at most `limit` processes; one that is late itself (`own_lease`) keeps its own.

    All tries of a process are taken and its lease with them: were some left, it could come back, renew
    the lease, and go on with those that were taken.
    """
    lapsed = [row.id for row in connection.execute(_LAPSED, {"own": own_lease, "limit": limit})]
    leases = dump_rows((lease_id,) for lease_id in lapsed)
    held = connection.execute(_HELD, {"leases": leases}).all()
    states = [(row, _decide(decide, row)) for row in held]
    _take_back(connection, states, now)
    if lapsed:
        # What was revoked in these processes needs no end any more.
        connection.execute(_LET_GO, {"leases": leases})
        connection.execute(_FORGET, {"leases": leases})
        # What they called is to be called again.
        wake(connection, Channel.CALLBACKS)
    return Batch(moved=len(held), more=len(lapsed) == limit, next_at=_next_lapse(connection, own_lease, now))


def _decide(decide: DecideLoss, row: Row) -> TaskInstanceState | None:
    if row.state == TaskInstanceState.RESTARTING:
        return None  # it was cleared and waited for its try to stop
    # The token grows with every claim, and once more when a try is lost.
    claims = row.token - row.try_number - row.reschedules
    return decide(was_running=row.state != "queued", lost_tries=row.lost_tries, claims=claims)


def _take_back(
    connection: sa.Connection, states: Sequence[tuple[Row, TaskInstanceState | None]], now: datetime
) -> None:
    if not states:
        return
    connection.execute(_TAKE_BACK, {"lost": dump_rows(_row(row, state, now) for row, state in states)})
    insert_tries(connection, (_try_row(row, now) for row, _ in states if row.state != "queued"))
    failed = [(row, state) for row, state in states if state is TaskInstanceState.FAILED]
    mark_unsettled(connection, (Mark(r.dag_run_id, r.position, r.map_index, state) for r, state in failed))
    mark_whole_runs(connection, (row.dag_run_id for row, state in states if state is None))
    wake(connection, Channel.SCHEDULED)


def _row(row: Row, state: TaskInstanceState | None, now: datetime) -> tuple[object, ...]:
    failed = state is TaskInstanceState.FAILED
    lost_tries = row.lost_tries + (row.state != "queued")
    return (
        row.id,
        state,
        lost_tries,
        f"{LOST}, again and again" if failed else None,
        now if failed else None,
    )


def _try_row(row: Row, now: datetime) -> tuple[object, ...]:
    return row.id, row.token, row.try_number, "lost", row.lease_id, row.start_date, now, LOST


def _next_lapse(connection: sa.Connection, own_lease: int, now: datetime) -> datetime | None:
    expires_at, database_time = connection.execute(_NEXT_LAPSE, {"own": own_lease}).one()
    if expires_at is None:
        return None
    # Leases live on the database's clock, routines wait on ours.
    left: timedelta = max(expires_at - database_time, timedelta(milliseconds=100))
    return now + left

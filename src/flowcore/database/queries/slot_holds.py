"""Read who held slots while a task instance was scheduled, to tell which limits it waited for."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from flowcore.database.tables import task_instance, task_try
from flowcore.database.types import UtcDateTime
from flowcore.domain.states import FINISHED
from flowcore.scheduler.decisions.situations import Hold, Situation
from flowcore.scheduler.decisions.time_spent import waited_at_limits

Row = sa.Row[*tuple[Any, ...]]

_t = task_instance.c
#: So many holds are read to tell limits apart; beyond that they are not.
_HOLDS_MAX = 100_000
_SINCE, _UNTIL = (sa.bindparam(name, type_=UtcDateTime) for name in ("since", "until"))
_bears_on_it = sa.and_(
    _t.id != sa.bindparam("self"),
    sa.or_(_t.pool == sa.bindparam("pool"), _t.dag_id == sa.bindparam("dag")),
)
_what_is_held = (_t.pool, _t.pool_slots, _t.dag_id, _t.dag_run_id, _t.task_id)
_HOLDS = sa.union_all(
    sa.select(
        _t.queued_at, sa.case((_t.lease_id.is_(None), _t.end_date)).label("end_date"), *_what_is_held
    ).where(
        _bears_on_it,
        _t.queued_at < _UNTIL,
        sa.or_(_t.lease_id.is_not(None), sa.and_(_t.state.in_(sorted(FINISHED)), _t.end_date > _SINCE)),
    ),
    sa.select(task_try.c.start_date, task_try.c.end_date, *_what_is_held)
    .join(task_instance, _t.id == task_try.c.task_instance_id)
    .where(_bears_on_it, task_try.c.start_date < _UNTIL, task_try.c.end_date > _SINCE),
).limit(_HOLDS_MAX + 1)


def read_holds(connection: sa.Connection, situation: Situation, row: Row) -> tuple[Hold, ...]:
    """Read what others held while the task instance of the situation, which is `row`, was scheduled."""
    waited = waited_at_limits(situation)
    if waited is None:
        return ()
    since, until = waited
    keys = {"self": row.id, "pool": row.pool, "dag": row.dag_id, "since": since, "until": until}
    holds = [_hold(other, row) for other in connection.execute(_HOLDS, keys)]
    return tuple(holds) if len(holds) <= _HOLDS_MAX else ()


def _hold(other: Row, row: Row) -> Hold:
    return Hold(
        other.queued_at,
        other.end_date,
        pool_slots=other.pool_slots if other.pool == row.pool else 0,
        is_of_run=other.dag_run_id == row.dag_run_id,
        is_of_task=(other.dag_id, other.task_id) == (row.dag_id, row.task_id),
    )

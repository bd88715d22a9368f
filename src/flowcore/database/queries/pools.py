"""Pools as people see and change them; the scheduler locks them in `waiting_pools.py`.

A change waits for the pass that holds the pool, and the next one knows of it.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import sqlalchemy as sa

from flowcore.database.queries.claims import holds_slots, literal
from flowcore.database.queries.upserts import put_rows
from flowcore.database.tables import pool, task_instance
from flowcore.database.wakeups import wake
from flowcore.domain.pools import Pool
from flowcore.errors import UsageError
from flowcore.scheduler.wake_graph import Channel

_t = task_instance.c
_used = (
    sa.select(sa.func.coalesce(sa.func.sum(_t.pool_slots), 0))
    .where(_t.pool == pool.c.name, holds_slots(_t.lease_id), _t.pool_slots > sa.literal_column("0"))
    .scalar_subquery()
)
_waiting = (
    sa.select(sa.func.count())
    .where(_t.pool == pool.c.name, _t.state == literal("scheduled"))
    .scalar_subquery()
)
_LIST = sa.select(
    pool.c.name, pool.c.slots, pool.c.description, pool.c.include_deferred, _used, _waiting
).order_by(pool.c.name)


@attrs.frozen
class PoolUsage:
    """A pool, the slots of it that are taken, and how many task instances wait for some."""

    pool: Pool
    used: int
    waiting: int


def list_pools(connection: sa.Connection) -> Sequence[PoolUsage]:
    """Every pool, by name."""
    rows = connection.execute(_LIST)
    return [PoolUsage(Pool(*fields), int(used), waiting) for *fields, used, waiting in rows]


def put_pools(connection: sa.Connection, pools: Sequence[Pool]) -> None:
    """Write pools, over those of the same names."""
    # In the order in which schedulers lock them.
    put_rows(connection, pool, [attrs.asdict(each) for each in sorted(pools, key=lambda each: each.name)])
    wake(connection, Channel.SLOTS_FREED)


def delete_pool(connection: sa.Connection, name: str) -> Pool | None:
    """Delete a pool that nobody needs just now; None when there is none.

    Raises:
        UsageError: it is the default pool, or task instances are in it; it was left alone.
    """
    connection.execute(sa.select(pool.c.name).where(pool.c.name == name).with_for_update())
    found = next((usage for usage in list_pools(connection) if usage.pool.name == name), None)
    if found is None:
        return None
    if found.pool.is_default:
        raise UsageError(f"pool {name!r} cannot be deleted, tasks that name no pool use it; set its slots")
    if found.used or found.waiting:
        raise UsageError(
            f"pool {name!r} has {found.used} slots in use and {found.waiting} task instances waiting, which"
            " would fail without it; set its slots, or wait until they are done"
        )
    connection.execute(pool.delete().where(pool.c.name == name))
    return found.pool

"""The pools that somebody waits for, and the locks on them: one scheduler at a time spends a pool's slots.

A pool that another scheduler holds is left out, since whoever holds it takes what waits there. Its lock
lasts for one short transaction, and schedulers in different pools do not notice each other.
"""

from __future__ import annotations

import attrs
import sqlalchemy as sa

#: Pools are found one after the other in the index of what is scheduled, however much waits in each.
_WAITING = """
WITH RECURSIVE waiting(name) AS (
    SELECT min(pool) FROM task_instance WHERE state = 'scheduled'
    UNION ALL
    SELECT (SELECT min(t.pool) FROM task_instance t WHERE t.state = 'scheduled' AND t.pool > waiting.name)
    FROM waiting WHERE waiting.name IS NOT NULL
), held AS (
    SELECT name, slots, include_deferred FROM pool
    WHERE name IN (SELECT name FROM waiting WHERE name IS NOT NULL) ORDER BY name {lock}
)
SELECT
    waiting.name,
    coalesce(held.slots, pool.slots) AS slots,
    coalesce(held.include_deferred, pool.include_deferred) AS include_deferred,
    held.name IS NOT NULL AS is_held
FROM waiting LEFT JOIN pool ON pool.name = waiting.name LEFT JOIN held ON held.name = waiting.name
WHERE waiting.name IS NOT NULL ORDER BY waiting.name
"""


def _statement(lock: str) -> sa.TextualSelect:
    return sa.text(_WAITING.format(lock=lock)).columns(
        name=sa.Text, slots=sa.Integer, include_deferred=sa.Boolean, is_held=sa.Boolean
    )


_UNLOCKED = _statement("")
_LOCK_FREE = _statement("FOR NO KEY UPDATE SKIP LOCKED")
_LOCK_ALL = _statement("FOR NO KEY UPDATE")


@attrs.frozen
class WaitingPool:
    """A pool with scheduled task instances. Without `slots` there is no such pool."""

    name: str
    slots: int | None
    include_deferred: bool | None
    is_held: bool


def hold_waiting_pools(connection: sa.Connection, *, patiently: bool) -> list[WaitingPool]:
    """Lock the pools that somebody waits for; those of others are not held, unless we wait `patiently`."""
    statement = _UNLOCKED
    if connection.dialect.name == "postgresql":
        # Names are locked in their order, so that those who wait do not wait for each other.
        statement = _LOCK_ALL if patiently else _LOCK_FREE
    return [WaitingPool(*row) for row in connection.execute(statement)]

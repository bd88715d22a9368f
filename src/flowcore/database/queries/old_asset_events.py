"""Find events of assets that are old and of no use to any run, and delete them.

Kept are the newest event of each asset, which tasks may ask for, and those that a Dag waits with or that a
run has consumed.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import sqlalchemy as sa

from flowcore.database.queries.claims import ids
from flowcore.database.queries.old_rows import Counts, Old, OldKind, bind_ids, of_dags
from flowcore.database.tables import asset_delivery, asset_event
from flowcore.database.types import UtcDateTime
from flowcore.domain.retention import Retention

_e = asset_event.c
_newer = asset_event.alias("newer")
_is_delivered = _e.id.in_(sa.select(asset_delivery.c.event_id))
_FIND = (
    sa.select(_e.id)
    .where(
        _e.id > sa.bindparam("after"),
        _e.created_at < sa.bindparam("before", type_=UtcDateTime),
        sa.exists().where(_newer.c.asset_id == _e.asset_id, _newer.c.created_at > _e.created_at),
        ~_is_delivered,
    )
    .order_by(_e.id)
    .limit(sa.bindparam("limit"))
)
_are_these = _e.id.in_(ids("events"))
_DELETE = asset_event.delete().where(_are_these, ~_is_delivered).returning(_e.id)


def _find(connection: sa.Connection, retention: Retention, after: int, limit: int) -> Sequence[Old]:
    # Events from outside are nobody's.
    statement, parameters = of_dags(_FIND, sa.func.coalesce(_e.source_dag_id, ""), retention)
    found = connection.execute(statement, {**parameters, "after": after, "limit": limit})
    return [Old(row.id) for row in found]


def _delete(connection: sa.Connection, found: Sequence[Old]) -> tuple[Sequence[Old], Counts]:
    deleted = set(connection.scalars(_DELETE, bind_ids("events", found)))
    return [old for old in found if old.id in deleted], {"asset_event": len(deleted)}


OLD_ASSET_EVENTS = OldKind(
    find=_find, bind=partial(bind_ids, "events"), rows={asset_event: _are_these}, delete=_delete
)

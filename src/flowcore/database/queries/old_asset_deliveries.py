"""Find what Dags were told of assets long ago and made no run of, and delete what a newer event replaces.

A Dag that waits for an asset which never comes is told of the others again and again. It keeps the newest
event of each asset, or of each of its partitions, that it has not consumed, so that it still runs when the
missing one comes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from flowcore.database.queries.claims import literal
from flowcore.database.queries.old_rows import Counts, Old, OldKind, of_dags
from flowcore.database.rows import dump_rows, rows_of
from flowcore.database.tables import asset_delivery, asset_event
from flowcore.database.types import UtcDateTime
from flowcore.domain.retention import Retention

_d = asset_delivery.c
_event, _newer = asset_event.alias("event"), asset_event.alias("newer")
_later = asset_delivery.alias("later")
_is_replaced = sa.and_(
    _d.state == literal("seen"),
    _d.dag_run_id.is_(None),
    sa.exists()
    .where(
        _event.c.id == _d.event_id,
        _newer.c.asset_id == _event.c.asset_id,
        _newer.c.id > _event.c.id,
        _later.c.dag_id == _d.dag_id,
        _later.c.event_id == _newer.c.id,
        _later.c.partition_key == _d.partition_key,
        _newer.c.partition_key.is_not_distinct_from(_event.c.partition_key),
        _later.c.dag_run_id.is_(None),
    )
    .correlate(asset_delivery),
)
_OLD = (
    sa.select(_d.event_id, _d.dag_id)
    .where(
        _d.event_id > sa.bindparam("after"),
        sa.exists().where(
            _event.c.id == _d.event_id, _event.c.created_at < sa.bindparam("before", type_=UtcDateTime)
        ),
        _is_replaced,
    )
    .order_by(_d.event_id, _d.dag_id)
)
_these = rows_of("these", dag_id=sa.Text, event_id=sa.BigInteger)
_are_these = sa.tuple_(_d.dag_id, _d.event_id).in_(sa.select(_these.c.dag_id, _these.c.event_id))
_DELETE = asset_delivery.delete().where(_are_these, _is_replaced).returning(_d.event_id, _d.dag_id)


def _find(connection: sa.Connection, retention: Retention, after: int, limit: int) -> Sequence[Old]:
    statement, parameters = of_dags(_OLD, _d.dag_id, retention)
    rows = connection.execute(statement.limit(limit), {**parameters, "after": after}).all()
    # The next batch begins after the last event: take all Dags of an event, or none.
    last = [row for row in rows if row.event_id == rows[-1].event_id]
    if len(rows) == limit and len(last) < limit:
        rows = rows[: -len(last)]
    return [Old(row.event_id, dag_id=row.dag_id) for row in rows]


def _delete(connection: sa.Connection, found: Sequence[Old]) -> tuple[Sequence[Old], Counts]:
    deleted = {(row.event_id, row.dag_id) for row in connection.execute(_DELETE, _bind(found))}
    return [old for old in found if (old.id, old.dag_id) in deleted], {"asset_delivery": len(deleted)}


def _bind(found: Iterable[Old]) -> dict[str, Any]:
    return {"these": dump_rows((old.dag_id, old.id) for old in found)}


OLD_ASSET_DELIVERIES = OldKind(find=_find, bind=_bind, rows={asset_delivery: _are_these}, delete=_delete)

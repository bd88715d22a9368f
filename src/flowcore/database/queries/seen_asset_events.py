"""What tasks and people learn about events of assets: units that only read. The oldest comes first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from flowcore.database.tables import asset, asset_delivery, asset_event
from flowcore.domain.assets import Asset, AssetEvent, AssetKey

_e = asset_event.c
_EVENTS = sa.select(
    _e.id,
    asset.c.name,
    asset.c.uri,
    _e.created_at.label("timestamp"),
    _e.extra,
    _e.source_dag_id,
    _e.source_run_id,
    _e.source_task_id,
    _e.source_map_index,
    _e.alias,
    _e.partition_key,
).join(asset, asset.c.id == _e.asset_id)
_CONSUMED = (
    _EVENTS.join(asset_delivery, asset_delivery.c.event_id == _e.id)
    .where(asset_delivery.c.dag_run_id == sa.bindparam("run"))
    .order_by(_e.created_at, _e.id)
)
_NEWEST = _EVENTS.order_by(_e.created_at.desc(), _e.id.desc()).limit(sa.bindparam("limit"))

_NAMED = (
    sa.select(asset.c.uri, asset.c.group, asset.c.extra)
    .where(asset.c.name == sa.bindparam("name"))
    .order_by(asset.c.id.desc())
    .limit(1)
)


def consumed_asset_events(connection: sa.Connection, dag_run_id: int) -> Sequence[AssetEvent]:
    """The events that a run has consumed."""
    return [_event(row) for row in connection.execute(_CONSUMED, {"run": dag_run_id})]


def newest_asset_events(
    connection: sa.Connection,
    *,
    limit: int,
    name: str | None = None,
    uri: str | None = None,
    alias: str | None = None,
) -> Sequence[AssetEvent]:
    """The newest events of assets of that name and that URI, or named through that alias."""
    query = _NEWEST
    for column, wanted in ((asset.c.name, name), (asset.c.uri, uri), (_e.alias, alias)):
        if wanted is not None:
            query = query.where(column == wanted)
    rows = connection.execute(query, {"limit": limit}).all()
    return [_event(row) for row in reversed(rows)]


def asset_of_name(connection: sa.Connection, name: str) -> Asset | None:
    """The asset of that name that was made known last."""
    row = connection.execute(_NAMED, {"name": name}).first()
    return None if row is None else Asset(name, row.uri, group=row.group, extra=row.extra)


def _event(row: sa.Row[*tuple[Any, ...]]) -> AssetEvent:
    fields = dict(row._mapping)
    return AssetEvent(asset=AssetKey(fields.pop("name"), fields.pop("uri")), **fields)

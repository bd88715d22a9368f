"""What people see of assets."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import attrs
import sqlalchemy as sa

from flowcore.database.queries.asset_references import MEANS
from flowcore.database.tables import asset, asset_event, asset_reference, dag

#: Dags that are there say something of it.
_is_active = (
    sa.select(asset_reference.c.id)
    .join(dag, dag.c.dag_id == asset_reference.c.dag_id)
    .where(MEANS, dag.c.is_active.is_(sa.true()))
    .exists()
)
_last_event_at = (
    sa.select(sa.func.max(asset_event.c.created_at))
    .where(asset_event.c.asset_id == asset.c.id)
    .scalar_subquery()
)
_LIST = sa.select(
    asset.c.id,
    asset.c.name,
    asset.c.uri,
    asset.c.group,
    _is_active.label("is_active"),
    _last_event_at.label("last_event_at"),
).order_by(asset.c.name, asset.c.uri)
_LIST_ACTIVE = _LIST.where(_is_active)


@attrs.frozen
class ListedAsset:
    """An asset; it is not active when no Dag names it any more. `last_event_at` is in UTC."""

    id: int
    name: str
    uri: str
    group: str
    is_active: bool = attrs.field(converter=bool)
    last_event_at: datetime | None


def list_assets(connection: sa.Connection, *, with_inactive: bool = False) -> Sequence[ListedAsset]:
    """Read assets by name."""
    return [ListedAsset(*row) for row in connection.execute(_LIST if with_inactive else _LIST_ACTIVE)]

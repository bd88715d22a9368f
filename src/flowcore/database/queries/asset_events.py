"""Write that assets were updated, and deliver it to every Dag that waits for them.

The event and its deliveries commit together with what caused it, so that none is lost and none is of a try
that did not count. Inserts only: nobody who creates runs meanwhile is waited for.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import attrs
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from flowcore.database.queries.asset_references import AWAITED, AWAITED_BY_ALIAS
from flowcore.database.queries.claims import ids, literal
from flowcore.database.rows import dump_rows, rows_of
from flowcore.database.tables import alias_asset, asset, asset_delivery, asset_event, dag
from flowcore.database.types import Json, UtcDateTime
from flowcore.database.unanswered import unanswered
from flowcore.database.wakeups import wake
from flowcore.domain.assets import AssetUpdate
from flowcore.scheduler.wake_graph import Channel

_DIALECTS = (("postgresql", postgresql_insert), ("sqlite", sqlite_insert))
_named = rows_of("named", name=sa.Text, uri=sa.Text, group=sa.Text, extra=Json)
_NAME = {
    dialect: insert(asset)
    .from_select(_named.c.keys(), sa.select(_named).where(sa.true()).order_by(_named.c.name, _named.c.uri))
    .on_conflict_do_nothing()
    for dialect, insert in _DIALECTS
}
_events = rows_of(
    "events",
    name=sa.Text,
    uri=sa.Text,
    extra=Json,
    source_dag_id=sa.Text,
    source_run_id=sa.Text,
    source_task_id=sa.Text,
    source_map_index=sa.Integer,
    alias=sa.Text,
    partition_key=sa.Text,
    created_at=UtcDateTime,
)
_kept = [column for column in _events.c if column.key not in ("name", "uri")]
_RECORD = (
    asset_event.insert()
    .from_select(
        ["asset_id", *(column.key for column in _kept)],
        sa.select(asset.c.id, *_kept)
        .select_from(asset)
        .join(
            _events,
            sa.and_(
                _events.c.name.in_([asset.c.name, literal("")]),
                _events.c.uri.in_([asset.c.uri, literal("")]),
            ),
        ),
        include_defaults=False,
    )
    .returning(asset_event.c.id)
)
_of_these = asset_event.c.id.in_(ids("written"))
_ATTACH = {
    dialect: insert(alias_asset)
    .from_select(
        ["alias", "asset_id"],
        sa.select(asset_event.c.alias, asset_event.c.asset_id)
        .distinct()
        .where(_of_these, asset_event.c.alias.is_not(None))
        .order_by(asset_event.c.alias, asset_event.c.asset_id),
    )
    .on_conflict_do_nothing()
    for dialect, insert in _DIALECTS
}
_awaited = sa.union(AWAITED.where(_of_these), AWAITED_BY_ALIAS.where(_of_these)).subquery("awaited")
_DELIVER = asset_delivery.insert().from_select(
    ["dag_id", "event_id", "partition_key", "state"],
    sa.select(_awaited.c.dag_id, _awaited.c.event_id, literal(""), literal("new"))
    .join(dag, dag.c.dag_id == _awaited.c.dag_id)
    .where(dag.c.is_active.is_(sa.true()), dag.c.is_paused.is_(sa.false())),
    include_defaults=False,
)


@attrs.frozen(kw_only=True)
class NewAssetEvent:
    """An update of an asset, and the task instance that made it; none for one from outside."""

    update: AssetUpdate
    created_at: datetime
    source_dag_id: str | None = None
    source_run_id: str | None = None
    source_task_id: str | None = None
    source_map_index: int | None = None


def record_asset_events(connection: sa.Connection, events: Sequence[NewAssetEvent]) -> Sequence[int]:
    """Write the events and deliver them to the Dags that wait and are not paused; their ids.

    Assets that nobody knew are known from now on.
    """
    if not events:
        return ()
    named = {(event.update.name, event.update.uri): event.update for event in events}
    assets = [
        (one.name, one.uri, one.group, one.asset_extra) for one in named.values() if one.name and one.uri
    ]
    connection.execute(unanswered(_NAME[connection.dialect.name]), {"named": dump_rows(assets)})
    written = connection.scalars(_RECORD, {"events": dump_rows(map(_row, events))}).all()
    these = {"written": dump_rows((event_id,) for event_id in written)}
    if any(event.update.alias is not None for event in events):
        connection.execute(unanswered(_ATTACH[connection.dialect.name]), these)
    connection.execute(unanswered(_DELIVER), these)
    wake(connection, Channel.ASSET_EVENTS)
    return written


def _row(event: NewAssetEvent) -> tuple[object, ...]:
    update = event.update
    return (
        update.name,
        update.uri,
        update.extra,
        event.source_dag_id,
        event.source_run_id,
        event.source_task_id,
        event.source_map_index,
        update.alias,
        update.partition_key,
        event.created_at,
    )

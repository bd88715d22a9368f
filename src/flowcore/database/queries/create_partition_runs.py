"""Find out which runs are due for Dags that have one for each partition of assets.

Their rows in `asset_schedule` are locked. What a Dag was told anew is first written down under the partitions
of the Dag for which it counts; then these partitions are looked at, with everything that is pending for them.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from flowcore.database.queries.claims import literal, names
from flowcore.database.rows import dump_rows, rows_of
from flowcore.database.tables import alias_asset, asset, asset_delivery, asset_event
from flowcore.database.unanswered import unanswered
from flowcore.domain.assets import AssetKey
from flowcore.domain.timetables.partitioned_assets import KeyNotMapped, PartitionedAssetTimetable
from flowcore.scheduler.decisions.create_asset_runs import AssetRun, PendingPartition, partition_run

log = logging.getLogger(__name__)

Row = sa.Row[*tuple[Any, ...]]

_d, _e = asset_delivery.c, asset_event.c
_is_new = sa.and_(_d.dag_id.in_(names("dags")), _d.state == literal("new"))
_NEW = (
    sa.select(_d.dag_id, _d.event_id, asset.c.name, asset.c.uri, _e.partition_key)
    .distinct()
    .join(asset_event, _e.id == _d.event_id)
    .join(asset, asset.c.id == _e.asset_id)
    .where(_is_new)
    .order_by(_d.dag_id, _d.event_id)
)
_FORGET = asset_delivery.delete().where(_is_new)
_mapped = rows_of("mapped", dag_id=sa.Text, event_id=sa.BigInteger, partition_key=sa.Text, state=sa.Text)
# SQLite cannot tell ON CONFLICT from a join's ON unless the SELECT has a WHERE.
_source = sa.select(_mapped).where(sa.true())
_KEEP = {
    dialect: insert(asset_delivery)
    .from_select(_mapped.c.keys(), _source, include_defaults=False)
    .on_conflict_do_nothing()
    for dialect, insert in (("postgresql", postgresql_insert), ("sqlite", sqlite_insert))
}
_keys = rows_of("keys", dag_id=sa.Text, partition_key=sa.Text)
_PENDING = (
    sa.select(
        _d.dag_id,
        _d.partition_key,
        asset.c.id.label("asset_id"),
        asset.c.name,
        asset.c.uri,
        _e.partition_key.label("key"),
        sa.func.max(_e.id).label("last_event_id"),
        sa.func.max(_e.created_at).label("updated_at"),
    )
    .join(_keys, sa.and_(_keys.c.dag_id == _d.dag_id, _keys.c.partition_key == _d.partition_key))
    .join(asset_event, _e.id == _d.event_id)
    .join(asset, asset.c.id == _e.asset_id)
    .where(_d.dag_run_id.is_(None))
    .group_by(_d.dag_id, _d.partition_key, asset.c.id, asset.c.name, asset.c.uri, _e.partition_key)
)
_ALIASES = sa.select(alias_asset.c.asset_id, alias_asset.c.alias).where(
    alias_asset.c.asset_id.in_(sa.select(rows_of("assets", id=sa.BigInteger).c.id))
)


def due_partition_runs(connection: sa.Connection, rows: Sequence[Row]) -> Iterator[tuple[Row, AssetRun]]:
    """The runs that are due, with the rows of their Dags; each has `dag_id` and `partitions`."""
    timetables = {row.dag_id: PartitionedAssetTimetable.deserialize(row.partitions) for row in rows}
    touched = _map_news(connection, timetables)
    if not touched:
        return
    row_of = {row.dag_id: row for row in rows}
    for (dag_id, run_key), pending in sorted(_pending(connection, touched).items()):
        run = partition_run(timetables[dag_id], run_key, pending)
        if run is not None:
            yield row_of[dag_id], run


def _map_news(
    connection: sa.Connection, timetables: Mapping[str, PartitionedAssetTimetable]
) -> Sequence[tuple[str, str]]:
    """Write down for which partitions what is new counts; which these are, with their Dags."""
    dag_ids = {"dags": dump_rows((dag_id,) for dag_id in timetables)}
    mapped: list[tuple[str, int, str, str]] = []
    for row in connection.execute(_NEW, dag_ids).all():
        try:
            keys = timetables[row.dag_id].keys_of_runs(AssetKey(row.name, row.uri), row.partition_key)
        except KeyNotMapped as error:
            log.warning("the Dag %r: %s", row.dag_id, error)
            continue
        mapped += [(row.dag_id, row.event_id, key, "seen") for key in keys]
    connection.execute(unanswered(_FORGET), dag_ids)
    connection.execute(unanswered(_KEEP[connection.dialect.name]), {"mapped": dump_rows(mapped)})
    return sorted({(dag_id, key) for dag_id, _, key, _ in mapped})


def _pending(
    connection: sa.Connection, touched: Sequence[tuple[str, str]]
) -> Mapping[tuple[str, str], Sequence[PendingPartition]]:
    rows = connection.execute(_PENDING, {"keys": dump_rows(touched)}).all()
    aliases = defaultdict[int, set[str]](set)
    asset_ids = dump_rows((asset_id,) for asset_id in sorted({row.asset_id for row in rows}))
    for asset_id, alias in connection.execute(_ALIASES, {"assets": asset_ids}):
        aliases[asset_id].add(alias)
    together = defaultdict[tuple[str, str, int], list[Row]](list)
    for row in rows:
        together[row.dag_id, row.partition_key, row.asset_id].append(row)
    pending = defaultdict[tuple[str, str], list[PendingPartition]](list)
    for (dag_id, run_key, asset_id), of_asset in together.items():
        pending[dag_id, run_key].append(
            PendingPartition(
                key=AssetKey(of_asset[0].name, of_asset[0].uri),
                aliases=frozenset(aliases[asset_id]),
                last_event_id=max(row.last_event_id for row in of_asset),
                updated_at=max(row.updated_at for row in of_asset),
                keys=frozenset(row.key for row in of_asset),
            )
        )
    return pending

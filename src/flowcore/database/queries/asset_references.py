"""What Dags say of assets, kept for those who look for the Dags of an asset: replaced with each version."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from flowcore.database.queries.claims import literal, names
from flowcore.database.rows import dump_rows, rows_of
from flowcore.database.tables import (
    alias_asset,
    asset,
    asset_delivery,
    asset_event,
    asset_reference,
    asset_schedule,
)
from flowcore.database.types import Json
from flowcore.database.unanswered import unanswered
from flowcore.domain.asset_documents import dump_asset, load_asset
from flowcore.domain.assets import Asset, AssetAlias, AssetExpression, AssetRef
from flowcore.domain.dag_assets import waits_for
from flowcore.domain.dags import Dag
from flowcore.domain.timetables.partitioned_assets import is_partitioned

_r = asset_reference.c
_OF_DAGS = names("dags")
_FORGET = asset_reference.delete().where(_r.dag_id.in_(_OF_DAGS)).returning(_r.dag_id)
_FORGET_SCHEDULES = asset_schedule.delete().where(asset_schedule.c.dag_id.in_(_OF_DAGS))
_assets = rows_of("assets", name=sa.Text, uri=sa.Text, group=sa.Text, extra=Json)
#: In one order: two processes that insert the same assets must not deadlock.
_asset_source = sa.select(_assets).where(sa.true()).order_by(_assets.c.name, _assets.c.uri)
_KEEP_ASSETS = {
    dialect: (insert_ := insert(asset).from_select(_assets.c.keys(), _asset_source)).on_conflict_do_update(
        index_elements=["name", "uri"],
        set_={"group": insert_.excluded.group, "extra": insert_.excluded.extra},
    )
    for dialect, insert in (("postgresql", postgresql_insert), ("sqlite", sqlite_insert))
}
_new = rows_of(
    "new", dag_id=sa.Text, used_as=sa.Text, task_id=sa.Text, name=sa.Text, uri=sa.Text, alias=sa.Text
)
_KEEP = asset_reference.insert().from_select(_new.c.keys(), sa.select(_new), include_defaults=False)
_schedules = rows_of("schedules", dag_id=sa.Text, condition=Json, partitions=Json)
_KEEP_SCHEDULES = asset_schedule.insert().from_select(
    _schedules.c.keys(), sa.select(_schedules), include_defaults=False
)

#: Joins references to assets that they mean: by name and URI, or by one of them.
MEANS = sa.and_(
    sa.or_(_r.name == asset.c.name, sa.and_(_r.name.is_(None), _r.uri == asset.c.uri)),
    sa.func.coalesce(_r.uri, asset.c.uri) == asset.c.uri,
)
_is_schedule = _r.used_as == literal("schedule")
#: Dags with a run per partition are told of partitions, and others of none.
_IS_TOLD = sa.and_(
    asset_schedule.c.dag_id == _r.dag_id,
    asset_schedule.c.partitions.is_(None) == asset_event.c.partition_key.is_(None),
)
#: Which events which Dags wait for; joined again by whoever narrows it down.
AWAITED = (
    sa.select(_r.dag_id, asset_event.c.id.label("event_id"))
    .select_from(asset_event)
    .join(asset, asset.c.id == asset_event.c.asset_id)
    .join(asset_reference, sa.and_(_is_schedule, MEANS))
    .join(asset_schedule, _IS_TOLD)
)
AWAITED_BY_ALIAS = (
    sa.select(_r.dag_id, asset_event.c.id.label("event_id"))
    .select_from(asset_event)
    .join(alias_asset, alias_asset.c.asset_id == asset_event.c.asset_id)
    .join(asset_reference, sa.and_(_is_schedule, _r.alias == alias_asset.c.alias))
    .join(asset_schedule, _IS_TOLD)
)
_d = asset_delivery.c
_is_pending = sa.and_(_d.dag_id.in_(_OF_DAGS), _d.dag_run_id.is_(None))


def _is_of_it(awaited: sa.Select[tuple[str, int]]) -> sa.ColumnElement[bool]:
    return awaited.where(_r.dag_id == _d.dag_id, asset_event.c.id == _d.event_id).exists()


_DROP = asset_delivery.delete().where(
    _is_pending, sa.not_(_is_of_it(AWAITED)), sa.not_(_is_of_it(AWAITED_BY_ALIAS))
)
_LOOK_AGAIN = asset_delivery.update().values(state="new").where(_is_pending)


def keep_asset_references(connection: sa.Connection, dags: Sequence[Dag]) -> frozenset[str]:
    """Replace what is known of these Dags and assets; which of them have any. Their rows must be locked.

    Events that a Dag waits for no longer are taken from it, and it is looked at again with the others.
    """
    dag_ids = {"dags": dump_rows((dag.dag_id,) for dag in dags)}
    had_some = connection.execute(_FORGET, dag_ids).first() is not None
    conditions = {dag.dag_id: condition for dag in dags if (condition := waits_for(dag)) is not None}
    references = [
        (dag.dag_id, *reference) for dag in dags for reference in _references(dag, conditions.get(dag.dag_id))
    ]
    if not (had_some or references):
        return frozenset()
    connection.execute(unanswered(_FORGET_SCHEDULES), dag_ids)
    if references:
        keep_assets(connection, (part for *_, part in references if isinstance(part, Asset)))
        connection.execute(unanswered(_KEEP), {"new": dump_rows(_row(*one) for one in references)})
        partitions = {dag.dag_id: dag.timetable for dag in dags if is_partitioned(dag.timetable)}
        schedules = dump_rows(
            (dag_id, dump_asset(one), partitions.get(dag_id)) for dag_id, one in conditions.items()
        )
        connection.execute(unanswered(_KEEP_SCHEDULES), {"schedules": schedules})
    if had_some:
        connection.execute(unanswered(_DROP), dag_ids)
        connection.execute(unanswered(_LOOK_AGAIN), dag_ids)
    return frozenset(dag_id for dag_id, *_ in references)


def keep_assets(connection: sa.Connection, assets: Iterable[Asset]) -> None:
    """Make assets known; those that are get the group and the extra that are given last."""
    rows = {one.key: (one.name, one.uri, one.group, one.extra) for one in assets}
    if rows:
        connection.execute(_KEEP_ASSETS[connection.dialect.name], {"assets": dump_rows(rows.values())})


_Part = Asset | AssetAlias | AssetRef


def _references(dag: Dag, condition: AssetExpression | None) -> Iterator[tuple[str, str, _Part]]:
    for part in condition.parts() if condition else ():
        yield "schedule", "", part
    for task in dag.tasks:
        for used_as, documents in (("inlet", task.inlets), ("outlet", task.outlets)):
            for part in _parts(documents):
                yield used_as, task.task_id, part


def _parts(documents: Iterable[Mapping[str, object]]) -> Iterator[_Part]:
    for document in documents:
        yield from load_asset(document).parts()


def _row(dag_id: str, used_as: str, task_id: str, part: _Part) -> tuple[str | None, ...]:
    if isinstance(part, AssetAlias):
        return dag_id, used_as, task_id, None, None, part.name
    return dag_id, used_as, task_id, part.name, part.uri, None

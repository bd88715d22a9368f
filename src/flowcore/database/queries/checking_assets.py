"""What is wrong with the assets of Dags only when one looks at all Dags: cycles, and names used twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

import sqlalchemy as sa

from flowcore.database.queries.claims import literal
from flowcore.database.tables import asset_reference, asset_schedule, dag
from flowcore.domain.asset_cycles import asset_cycle, cycle_complaint
from flowcore.domain.asset_documents import load_asset
from flowcore.domain.asset_spellings import spelling_complaints
from flowcore.domain.assets import Asset, AssetAlias, AssetKey, AssetRef
from flowcore.domain.dag_assets import DagAssets

_r = asset_reference.c
_is_active = sa.and_(dag.c.dag_id == _r.dag_id, dag.c.is_active.is_(sa.true()))
#: Only who waits and updates can be in a cycle.
_OUTLETS = (
    sa.select(_r.dag_id, _r.name, _r.uri, _r.alias)
    .distinct()
    .join(dag, _is_active)
    .join(asset_schedule, asset_schedule.c.dag_id == _r.dag_id)
    .where(_r.used_as == literal("outlet"))
)
_CONDITIONS = sa.select(asset_schedule.c.dag_id, asset_schedule.c.condition)
_NAMED = (
    sa.select(_r.dag_id, _r.name, _r.uri)
    .distinct()
    .join(dag, _is_active)
    .where(_r.name.is_not(None), _r.uri.is_not(None))
)


def asset_complaints(connection: sa.Connection, *, about: Collection[str] | None = None) -> Sequence[str]:
    """What is wrong, in sentences; of these Dags only (None: of all)."""
    return [*_cycles(connection, about), *_spellings(connection, about)]


def _cycles(connection: sa.Connection, about: Collection[str] | None) -> Iterator[str]:
    dags = _waiting_updaters(connection)
    told: set[frozenset[str]] = set()
    for dag_id in dags:
        if about is not None and dag_id not in about:
            continue
        cycle = asset_cycle(dag_id, dags.values())
        if cycle and frozenset(cycle) not in told:
            told.add(frozenset(cycle))
            yield cycle_complaint(cycle)


def _waiting_updaters(connection: sa.Connection) -> Mapping[str, DagAssets]:
    outlets = defaultdict[str, list[Asset | AssetAlias | AssetRef]](list)
    for row in connection.execute(_OUTLETS):
        outlets[row.dag_id].append(_part(row.name, row.uri, row.alias))
    if not outlets:
        return {}
    conditions = {row.dag_id: row.condition for row in connection.execute(_CONDITIONS)}
    return {
        dag_id: DagAssets(dag_id, load_asset(conditions[dag_id]), outlets[dag_id])
        for dag_id in sorted(outlets)
    }


def _part(name: str | None, uri: str | None, alias: str | None) -> Asset | AssetAlias | AssetRef:
    if alias is not None:
        return AssetAlias(alias)
    return Asset(name, uri) if name is not None and uri is not None else AssetRef(name=name, uri=uri)


def _spellings(connection: sa.Connection, about: Collection[str] | None) -> Iterator[str]:
    used = [(row.dag_id, AssetKey(row.name, row.uri)) for row in connection.execute(_NAMED)]
    yield from spelling_complaints(used, about=about)

"""What is refused of the assets of a Dag."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import attrs

from flowcore.domain.asset_conditions import is_met
from flowcore.domain.assets import Asset, AssetAlias, AssetExpression, AssetKey, AssetRef
from flowcore.errors import DagError

if TYPE_CHECKING:
    from flowcore.sdk.dags import DAG


@attrs.frozen
class _Outlet:
    """An outlet as if its task had succeeded."""

    key: AssetKey
    aliases: frozenset[str] = frozenset()

    @classmethod
    def of(cls, outlet: Asset | AssetAlias | AssetRef, known: Iterable[Asset]) -> Iterator[_Outlet]:
        match outlet:
            case Asset(key=key):
                yield cls(key)
            case AssetAlias(name=name):
                yield cls(AssetKey("", ""), frozenset({name}))
            case AssetRef(name=name, uri=uri):
                yield cls(AssetKey(name or "", uri or ""))
                yield from (cls(asset.key) for asset in known if asset.name == name or asset.uri == uri)


def check_assets(dag: DAG) -> None:
    """Check that the Dag does not wait for itself, and gives no asset two URIs.

    Raises:
        DagError: it does.
    """
    condition: AssetExpression | None = getattr(dag.timetable, "assets", None)
    _check_names(dag, condition)
    known = list(_assets(dag, condition))
    outlets = [one for task in dag.tasks for outlet in task.outlets for one in _Outlet.of(outlet, known)]
    if condition is not None and is_met(condition, outlets):
        raise DagError(
            f"Dag {dag.dag_id!r} waits for assets that its own tasks update, so that each run would start the"
            " next one without end; wait for others, or take them out of `outlets`"
        )


def _check_names(dag: DAG, condition: AssetExpression | None) -> None:
    uris: dict[str, str] = {}
    for asset in _assets(dag, condition):
        if uris.setdefault(asset.name, asset.uri) != asset.uri:
            raise DagError(
                f"Dag {dag.dag_id!r} gives asset {asset.name!r} the URIs {uris[asset.name]!r} and"
                f" {asset.uri!r}; give it one, or another name"
            )


def _assets(dag: DAG, condition: AssetExpression | None) -> Iterator[Asset]:
    parts = [*condition.parts()] if condition else []
    for task in dag.tasks:
        parts += (*task.inlets, *task.outlets)
    yield from (part for part in parts if isinstance(part, Asset))

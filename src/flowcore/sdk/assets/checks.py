"""What is refused of the assets of a Dag."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from flowcore.domain.asset_cycles import asset_cycle, cycle_complaint
from flowcore.domain.assets import Asset, AssetExpression
from flowcore.domain.dag_assets import DagAssets
from flowcore.errors import DagError

if TYPE_CHECKING:
    from flowcore.sdk.dags import DAG


def check_assets(dag: DAG) -> None:
    """Check that the Dag does not wait for itself, and gives no asset two URIs.

    Raises:
        DagError: it does.
    """
    condition: AssetExpression | None = getattr(dag.timetable, "assets", None)
    _check_names(dag, condition)
    outlets = [outlet for task in dag.tasks for outlet in task.outlets]
    if cycle := asset_cycle(dag.dag_id, [DagAssets(dag.dag_id, condition, outlets)]):
        raise DagError(cycle_complaint(cycle))


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

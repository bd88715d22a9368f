"""What a Dag has to do with assets: what it waits for, and what its tasks update."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from flowcore.domain.asset_documents import load_asset
from flowcore.domain.assets import Asset, AssetAlias, AssetExpression, AssetRef
from flowcore.domain.dags import Dag
from flowcore.domain.run_types import DagRunType
from flowcore.domain.timetables.assets import condition_in


@attrs.frozen
class DagAssets:
    """`condition` is None for a Dag that waits for no assets. `outlets` are those of all tasks."""

    dag_id: str
    condition: AssetExpression | None
    outlets: Sequence[Asset | AssetAlias | AssetRef]

    @classmethod
    def of(cls, dag: Dag) -> DagAssets:
        """Those of a Dag."""
        outlets = [part for task in dag.tasks for one in task.outlets for part in load_asset(one).parts()]
        return cls(dag.dag_id, waits_for(dag), outlets)


def waits_for(dag: Dag) -> AssetExpression | None:
    """What runs of the Dag are made for; None if it waits for no assets, or allows no such runs."""
    allowed = dag.allowed_run_types
    if allowed is None or DagRunType.ASSET_TRIGGERED in allowed:
        return condition_in(dag.timetable)
    return None

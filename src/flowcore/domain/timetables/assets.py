"""The timetables of Dags that wait for assets: what they wait for, and perhaps the time as well.

They only say what is waited for; `scheduler/decisions/create_asset_runs.py` decides about it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, ClassVar, Self

import attrs

from flowcore.domain.asset_documents import dump_asset, load_asset
from flowcore.domain.assets import AssetAll, AssetExpression
from flowcore.domain.timetables.base import DagRunInfo, DataInterval, TimeRestriction, Timetable
from flowcore.errors import DagError

#: Types of documents that have assets; the last one is that of `partitioned_assets.py`.
_WITH_ASSETS = ("assets", "asset_or_time", "partitioned_assets")


def condition_from(assets: object) -> AssetExpression:
    """What `schedule=` or `assets=` means: an expression, or several of which all are waited for.

    Raises:
        DagError: It is neither.
    """
    if isinstance(assets, AssetExpression):
        return assets
    if isinstance(assets, Collection) and not isinstance(assets, str | bytes):
        return AssetAll(*assets)
    raise DagError(f"{assets!r} is no asset; give an Asset, a list of assets, or `a & b`, `a | b` of them")


def condition_in(document: Mapping[str, Any]) -> AssetExpression | None:
    """The assets that the timetable of a document waits for; None if it waits for none."""
    if document.get("type") in _WITH_ASSETS:
        return load_asset(document["assets"])
    return None


@attrs.frozen
class AssetTriggeredTimetable:
    """Runs when assets were updated, and at no time."""

    type: ClassVar = "assets"
    summary: ClassVar = "Asset"
    active_runs_limit: ClassVar = None
    is_periodic: ClassVar = False

    assets: AssetExpression = attrs.field(converter=condition_from)

    def next_dagrun_info(
        self,
        *,
        last_automated_data_interval: DataInterval | None,
        restriction: TimeRestriction,
        now: datetime,
    ) -> DagRunInfo | None:
        return None

    def infer_manual_data_interval(self, *, run_after: datetime) -> DataInterval:
        return DataInterval.exact(run_after)

    def serialize(self) -> dict[str, Any]:
        return {"type": self.type, "assets": dump_asset(self.assets)}

    @classmethod
    def deserialize(cls, document: Mapping[str, Any]) -> Self:
        return cls(load_asset(document["assets"]))


@attrs.frozen(kw_only=True)
class AssetOrTimeSchedule:
    """Runs when the timetable says so, and also when assets were updated: each for itself."""

    type: ClassVar = "asset_or_time"

    timetable: Timetable
    assets: AssetExpression = attrs.field(converter=condition_from)

    @property
    def summary(self) -> str:
        return f"Asset or {self.timetable.summary}"

    @property
    def active_runs_limit(self) -> int | None:
        return self.timetable.active_runs_limit

    @property
    def is_periodic(self) -> bool:
        return self.timetable.is_periodic

    def next_dagrun_info(
        self,
        *,
        last_automated_data_interval: DataInterval | None,
        restriction: TimeRestriction,
        now: datetime,
    ) -> DagRunInfo | None:
        return self.timetable.next_dagrun_info(
            last_automated_data_interval=last_automated_data_interval, restriction=restriction, now=now
        )

    def infer_manual_data_interval(self, *, run_after: datetime) -> DataInterval:
        return self.timetable.infer_manual_data_interval(run_after=run_after)

    def serialize(self) -> dict[str, Any]:
        return {
            "type": self.type,
            "timetable": self.timetable.serialize(),
            "assets": dump_asset(self.assets),
        }

"""Finds the timetable of a `schedule=` argument, and that of a stored document."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import timedelta, tzinfo
from typing import Any

import attrs

from flowcore.domain.asset_documents import load_asset
from flowcore.domain.assets import AssetExpression
from flowcore.domain.timetables.assets import AssetOrTimeSchedule, AssetTriggeredTimetable
from flowcore.domain.timetables.base import Timetable
from flowcore.domain.timetables.calendar import is_relativedelta
from flowcore.domain.timetables.cron import CronDataIntervalTimetable, CronTriggerTimetable
from flowcore.domain.timetables.delta import DeltaDataIntervalTimetable, DeltaTriggerTimetable
from flowcore.domain.timetables.events import EventsTimetable
from flowcore.domain.timetables.multiple_cron import MultipleCronTriggerTimetable
from flowcore.domain.timetables.partitioned_assets import PartitionedAssetTimetable
from flowcore.domain.timetables.partitioned_times import CronPartitionTimetable, PartitionedAtRuntime
from flowcore.domain.timetables.plug_ins import PlugInTimetable, load_plug_in, plug_in_name
from flowcore.domain.timetables.simple import ContinuousTimetable, NullTimetable, OnceTimetable
from flowcore.errors import DagError
from flowcore.plug_ins.kinds import Kind

#: What a Dag may be given as `schedule`; several assets are waited for together.
Schedule = str | timedelta | Timetable | AssetExpression | Collection[AssetExpression] | None

_BUILT_IN = (
    NullTimetable,
    OnceTimetable,
    ContinuousTimetable,
    CronTriggerTimetable,
    CronDataIntervalTimetable,
    MultipleCronTriggerTimetable,
    DeltaTriggerTimetable,
    DeltaDataIntervalTimetable,
    EventsTimetable,
    AssetTriggeredTimetable,
    PartitionedAssetTimetable,
    CronPartitionTimetable,
    PartitionedAtRuntime,
    PlugInTimetable,
)
_LOADERS: Mapping[str, Callable[[Mapping[str, Any]], Timetable]] = {
    NullTimetable.type: NullTimetable.deserialize,
    OnceTimetable.type: OnceTimetable.deserialize,
    ContinuousTimetable.type: ContinuousTimetable.deserialize,
    CronTriggerTimetable.type: CronTriggerTimetable.deserialize,
    CronDataIntervalTimetable.type: CronDataIntervalTimetable.deserialize,
    MultipleCronTriggerTimetable.type: MultipleCronTriggerTimetable.deserialize,
    DeltaTriggerTimetable.type: DeltaTriggerTimetable.deserialize,
    DeltaDataIntervalTimetable.type: DeltaDataIntervalTimetable.deserialize,
    EventsTimetable.type: EventsTimetable.deserialize,
    AssetTriggeredTimetable.type: AssetTriggeredTimetable.deserialize,
    PartitionedAssetTimetable.type: PartitionedAssetTimetable.deserialize,
    CronPartitionTimetable.type: CronPartitionTimetable.deserialize,
    PartitionedAtRuntime.type: PartitionedAtRuntime.deserialize,
    AssetOrTimeSchedule.type: lambda document: _load_asset_or_time(document),
}


def timetable_for(schedule: Schedule, timezone: str | tzinfo) -> Timetable:
    """The timetable that a Dag's `schedule` means; `timezone` is where its cron expression is read.

    Raises:
        DagError: The schedule or the time zone cannot be used.
    """
    match schedule:
        case None:
            return NullTimetable()
        case "@once":
            return OnceTimetable()
        case "@continuous":
            return ContinuousTimetable()
        case str():
            return CronTriggerTimetable(schedule, timezone=timezone)
        case timedelta():
            return DeltaTriggerTimetable(schedule)
        case _ if isinstance(schedule, _BUILT_IN):
            return schedule
        case AssetOrTimeSchedule(timetable=inner):
            return attrs.evolve(schedule, timetable=timetable_for(inner, timezone))
        case AssetExpression() | list() | tuple() | set() | frozenset():
            return AssetTriggeredTimetable(schedule)
        case _ if is_relativedelta(schedule):
            return DeltaTriggerTimetable(schedule)
    if name := plug_in_name(schedule):
        return PlugInTimetable.of(name, schedule)
    remedy = "use None, a cron expression, a timedelta, a timetable or assets"
    if hasattr(schedule, "next_dagrun_info"):
        remedy = (
            f"name its class in an entry point of the group {Kind.TIMETABLE.group}, or in a plug-in, so that"
            " schedulers find it"
        )
    raise DagError(f"{schedule!r} is no schedule; {remedy}")


def load_timetable(document: Mapping[str, Any]) -> Timetable:
    """The timetable that `serialize` made the document of.

    Raises:
        DagError: The document is of no known type, or malformed.
    """
    load = _LOADERS.get(document.get("type", ""))
    if load is None:
        plug_in = load_plug_in(document)
        if plug_in is not None:
            return plug_in
        raise DagError(
            f"a stored timetable has an unknown type: {document!r}; use one of {sorted(_LOADERS)}, or install"
            f" the package whose entry point of the group {Kind.TIMETABLE.group} has that name"
        )
    try:
        return load(document)
    except (KeyError, TypeError, ValueError) as error:
        raise DagError(f"a stored timetable is malformed: {error!r}; register the Dag again") from error


def _load_asset_or_time(document: Mapping[str, Any]) -> Timetable:
    return AssetOrTimeSchedule(
        timetable=load_timetable(document["timetable"]), assets=load_asset(document["assets"])
    )

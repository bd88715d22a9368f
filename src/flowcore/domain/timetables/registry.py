"""Finds the timetable of a `schedule=` argument, and that of a stored document."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta, tzinfo
from typing import Any

from flowcore.domain.timetables.base import Timetable
from flowcore.domain.timetables.cron import CronDataIntervalTimetable, CronTriggerTimetable
from flowcore.domain.timetables.delta import DeltaDataIntervalTimetable, DeltaTriggerTimetable
from flowcore.domain.timetables.events import EventsTimetable
from flowcore.domain.timetables.multiple_cron import MultipleCronTriggerTimetable
from flowcore.domain.timetables.simple import ContinuousTimetable, NullTimetable, OnceTimetable
from flowcore.errors import DagError

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
}


def timetable_for(schedule: str | timedelta | Timetable | None, timezone: str | tzinfo) -> Timetable:
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
        case Timetable():
            return schedule
    raise DagError(f"{schedule!r} is no schedule; use None, a cron expression, a timedelta or a timetable")


def load_timetable(document: Mapping[str, Any]) -> Timetable:
    """The timetable that `serialize` made the document of.

    Raises:
        DagError: The document is of no known type, or malformed.
    """
    load = _LOADERS.get(document.get("type", ""))
    if load is None:
        raise DagError(f"a stored timetable has an unknown type: {document!r}; use one of {sorted(_LOADERS)}")
    try:
        return load(document)
    except (KeyError, TypeError, ValueError) as error:
        raise DagError(f"a stored timetable is malformed: {error!r}; register the Dag again") from error

"""Follow a timetable from run to run, trusting nothing that it says: authors write timetables, too."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from flowcore.domain.timetables.base import DagRunInfo, DataInterval, TimeRestriction, Timetable
from flowcore.domain.timetables.plug_ins import PlugInTimetable
from flowcore.errors import DagError


def next_run(
    timetable: Timetable, restriction: TimeRestriction, *, last_interval: DataInterval | None, now: datetime
) -> DagRunInfo | None:
    """The run that follows; None if there is none (any more).

    Raises:
        DagError: the timetable raised, answered something that is no run, or did not move on.
    """
    try:
        info = timetable.next_dagrun_info(
            last_automated_data_interval=last_interval, restriction=restriction, now=now
        )
        if info is not None:
            _check(timetable, info, last_interval)
    except DagError:
        raise
    except Exception as error:
        raise DagError(
            f"the timetable {_name(timetable)} failed with {type(error).__name__}: {error}; correct its"
            " next_dagrun_info()"
        ) from error
    return info


def follow(
    timetable: Timetable, restriction: TimeRestriction, *, last_interval: DataInterval | None, now: datetime
) -> Iterator[DagRunInfo]:
    """The runs that follow, each after the one before; without end, if the timetable has none.

    Raises:
        DagError: as `next_run`.
    """
    while info := next_run(timetable, restriction, last_interval=last_interval, now=now):
        yield info
        last_interval = info.data_interval


def _check(timetable: Timetable, info: DagRunInfo, last: DataInterval | None) -> None:
    interval = info.data_interval
    moments = [info.run_after, info.logical_date, *((interval.start, interval.end) if interval else ())]
    if any(moment is not None and moment.utcoffset() is None for moment in moments):
        raise _wrong(timetable, f"{info} has times without a zone; give each of them a tzinfo")
    if interval is None:
        raise _wrong(timetable, f"{info} has no data interval; give it one, if an empty one")
    if interval.start > interval.end:
        raise _wrong(timetable, f"the data interval of {info} ends before it begins; swap its ends")
    if last is not None and (interval.end, interval.start) <= (last.end, last.start):
        raise _wrong(
            timetable,
            f"after the data interval up to {last.end} comes one up to {interval.end}, so it does not move"
            " on; return a later run, or None",
        )


def _wrong(timetable: Timetable, what: str) -> DagError:
    return DagError(f"the timetable {_name(timetable)} went wrong: {what}")


def _name(timetable: Timetable) -> str:
    return timetable.name if isinstance(timetable, PlugInTimetable) else type(timetable).__name__

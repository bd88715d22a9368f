"""A catalogue of 50 Dags with every timetable, and which data intervals each must have run in a month.

What is expected is enumerated without the timetables: every wall clock time of the month is looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import attrs

from flowcore.sdk import (
    DAG,
    CronDataIntervalTimetable,
    CronTriggerTimetable,
    DeltaDataIntervalTimetable,
    DeltaTriggerTimetable,
    EventsTimetable,
    MultipleCronTriggerTimetable,
)

Windows = Sequence[tuple[datetime, datetime]]

#: The clocks go forward or back in each of them, in Lord Howe by half an hour.
ZONES = ("Europe/Zurich", "America/New_York", "Australia/Lord_Howe")
CRONS = (
    *("0 2 * * *", "30 2 * * *", "0 1 * * *", "0 3 * * *"),  # where times are missing, or come twice
    *("15 */12 * * *", "0 7-8 * * *", "0 9 * * 1-5", "30 1 * * 0", "0 0 1,15 * *"),
)
DAYS = 31
_DAY, _HOUR, _MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
_RANGES = {
    "minute": range(60),
    "hour": range(24),
    "day": range(1, 32),
    "month": range(1, 13),
    "weekday": range(7),
}


@attrs.frozen
class Case:
    """One Dag, and the data intervals that its scheduled runs must have, in order."""

    dag: DAG
    expected: Windows


def catalogue(begin: datetime) -> Sequence[Case]:
    """The Dags, for the month that begins then."""
    end = begin + DAYS * _DAY - _MINUTE
    cases = [*_cron_cases(begin, end), *_delta_cases(begin, end), *_other_cases(begin, end)]
    assert len(cases) == 50, len(cases)
    return cases


def _case(
    name: str, schedule: object, expected: Iterable[tuple[datetime, datetime]], begin: datetime
) -> Case:
    dag = DAG(name, schedule=schedule, start_date=begin, catchup=True, max_active_runs=100)
    return Case(dag, tuple(expected))


def _cron_cases(begin: datetime, end: datetime) -> Iterator[Case]:
    for zone in ZONES:
        for number, cron in enumerate(CRONS):
            ticks = ticks_of([cron], zone, begin, end)
            name = f"cron_{zone.rpartition('/')[2]}_{number}"
            if number % 2:
                yield _case(name, CronTriggerTimetable(cron, timezone=zone), _at(ticks), begin)
            else:
                yield _case(name, CronDataIntervalTimetable(cron, timezone=zone), pairwise(ticks), begin)
        both = MultipleCronTriggerTimetable("0 4 * * *", "30 12 * * 6", timezone=zone)
        ticks = ticks_of(["0 4 * * *", "30 12 * * 6"], zone, begin, end)
        yield _case(f"multiple_{zone.rpartition('/')[2]}", both, _at(ticks), begin)
        yield from _hourly_cases(zone, begin, end)


def _hourly_cases(zone: str, begin: datetime, end: datetime) -> Iterator[Case]:
    """Every half hour and every hour, so many that they are left to the days around the change."""
    name = zone.rpartition("/")[2]
    change = next(day for day in _days(begin, end) if _offset(day, zone) != _offset(day + _DAY, zone))
    first = change - _DAY
    for cron, kind in (("*/30 * * * *", "half_hourly"), ("@hourly", "hourly")):
        ticks = ticks_of([cron.replace("@hourly", "0 * * * *")], zone, first, first + 3 * _DAY)
        timetable = CronDataIntervalTimetable(cron, timezone=zone)
        case = _case(f"{kind}_{name}", timetable, pairwise(ticks), first)
        # The last interval begins before the end date, and may end after it.
        case.dag.end_date = ticks[-2]
        yield case


def _delta_cases(begin: datetime, end: datetime) -> Iterator[Case]:
    for delta in (timedelta(hours=17, minutes=30), _DAY, timedelta(days=7), timedelta(days=40)):
        ticks = [*_steps(begin, delta, end)]
        name = f"{delta // _MINUTE}_minutes"
        yield _case(f"trigger_{name}", DeltaTriggerTimetable(delta), _at(ticks), begin)
        yield _case(f"interval_{name}", DeltaDataIntervalTimetable(delta), pairwise(ticks), begin)
    yield _case("plain_delta", timedelta(hours=12), _at(_steps(begin, 12 * _HOUR, end)), begin)


def _other_cases(begin: datetime, end: datetime) -> Iterator[Case]:
    yield _case("once", "@once", [(begin, begin)], begin)
    yield _case("never", None, [], begin)
    yield _case("daily", "@daily", _at(ticks_of(["0 0 * * *"], "UTC", begin, end)), begin)
    events = [begin + days * _DAY for days in (3, 1, 3, 20, 100)]
    yield _case("events", EventsTimetable(events), _at(sorted({*events[:-1]})), begin)
    yield _case("past", "@daily", [], end)


def ticks_of(crons: Sequence[str], zone: str, begin: datetime, end: datetime) -> Sequence[datetime]:
    """The instants from `begin` to `end` at which one of the expressions fires, each once."""
    found = {
        tick
        for day in _days(begin - 2 * _DAY, end + 2 * _DAY)
        for cron in crons
        for tick in _ticks_on(cron, ZoneInfo(zone), day.date())
    }
    return sorted(tick for tick in found if begin <= tick <= end)


def _ticks_on(cron: str, zone: ZoneInfo, day: date) -> Iterator[datetime]:
    minutes, hours, days, months, weekdays = (
        _values(field, _RANGES[name]) for field, name in zip(cron.split(), _RANGES, strict=True)
    )
    if day.day not in days or day.month not in months or day.isoweekday() % 7 not in weekdays:
        return
    for hour in sorted(hours):
        for minute in sorted(minutes):
            wall = datetime.combine(day, time(hour, minute), tzinfo=zone)
            # What comes twice fires the second time, if it does not fire in every hour anyway. What is
            # missing fires as much later as the clocks go forward.
            yield max(wall.astimezone(UTC), wall.replace(fold=1).astimezone(UTC))
            if len(hours) == 24 and wall.astimezone(UTC) < wall.replace(fold=1).astimezone(UTC):
                yield wall.astimezone(UTC)


def _values(field: str, every: range) -> set[int]:
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        low, _, high = span.partition("-")
        values = every if span == "*" else range(int(low), int(high or low) + 1)
        found |= set(values[:: int(step or 1)])
    return found


def _at(ticks: Iterable[datetime]) -> Windows:
    return [(tick, tick) for tick in ticks]


def _steps(begin: datetime, delta: timedelta, end: datetime) -> Iterator[datetime]:
    while begin <= end:
        yield begin
        begin += delta


def _days(begin: datetime, end: datetime) -> Iterator[datetime]:
    return _steps(begin, _DAY, end)


def _offset(instant: datetime, zone: str) -> timedelta | None:
    return instant.astimezone(ZoneInfo(zone)).utcoffset()

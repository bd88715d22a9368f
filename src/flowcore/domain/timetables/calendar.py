"""Periods of the calendar: so many years and months, and a duration on top, as `relativedelta` has them.

A day that a month does not have becomes its last one, and stays that in the periods that follow: after
31 January come 28 February and 28 March.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Self

import attrs

from flowcore.errors import DagError

_MONTHS_A_YEAR = 12
#: Fields of a `relativedelta` that name a place in the calendar in place of a distance.
_PLACES = ("year", "month", "day", "weekday", "hour", "minute", "second", "microsecond")
_PARTS = ("days", "hours", "minutes", "seconds", "microseconds")


@attrs.frozen
class CalendarDelta:
    """A period of at least a month, and a duration that is not negative."""

    months: int
    rest: timedelta = timedelta()

    def __radd__(self, moment: datetime) -> datetime:
        return self._months_from(moment, self.months) + self.rest

    def __rsub__(self, moment: datetime) -> datetime:
        return self._months_from(moment, -self.months) - self.rest

    def __str__(self) -> str:
        years, months = divmod(self.months, _MONTHS_A_YEAR)
        named = ((years, "year"), (months, "month"))
        parts = [f"{count} {noun}" + ("" if count == 1 else "s") for count, noun in named if count]
        return ", ".join([*parts, *([str(self.rest)] if self.rest or not parts else [])])

    def serialize(self) -> dict[str, Any]:
        return {"months": self.months, "rest_s": self.rest.total_seconds()}

    @classmethod
    def deserialize(cls, document: Mapping[str, Any]) -> Self:
        return cls(document["months"], timedelta(seconds=document["rest_s"]))

    def _months_from(self, moment: datetime, months: int) -> datetime:
        year, month = divmod(moment.year * _MONTHS_A_YEAR + moment.month - 1 + months, _MONTHS_A_YEAR)
        day = min(moment.day, monthrange(year, month + 1)[1])
        return moment.replace(year=year, month=month + 1, day=day)


def is_relativedelta(schedule: object) -> bool:
    """Whether it is one of dateutil's, told by its name: flowcore does not need dateutil itself."""
    cls = type(schedule)
    return cls.__name__ == "relativedelta" and cls.__module__.startswith("dateutil.")


def read_delta(delta: object) -> timedelta | CalendarDelta:
    """The period of a `timedelta` or a `dateutil.relativedelta.relativedelta`.

    Raises:
        DagError: It is not positive, names a place in the calendar, or is no period.
    """
    if isinstance(delta, CalendarDelta):
        return delta
    months, rest = _of_relativedelta(delta) if is_relativedelta(delta) else (0, delta)
    if not isinstance(rest, timedelta):
        raise DagError(f"{delta!r} is no period; use a timedelta or a relativedelta")
    is_negative = months < 0 or rest < timedelta()
    if is_negative or (months == 0 and not rest):
        raise DagError(f"the schedule {delta} must be positive; use a timedelta of more than 0")
    return CalendarDelta(months, rest) if months else rest


def _of_relativedelta(relative: Any) -> tuple[int, timedelta]:
    if named := [name for name in _PLACES if getattr(relative, name, None) is not None]:
        raise DagError(
            f"the schedule {relative!r} names a place in the calendar ({', '.join(named)}); use distances"
            " such as months=1, or a cron expression"
        )
    rest = timedelta(**{part: getattr(relative, part) for part in _PARTS})
    return relative.years * _MONTHS_A_YEAR + relative.months, rest


def dump_delta(delta: timedelta | CalendarDelta) -> dict[str, Any]:
    """How a period stands in a document."""
    return delta.serialize() if isinstance(delta, CalendarDelta) else {"delta_s": delta.total_seconds()}


def load_delta(document: Mapping[str, Any]) -> timedelta | CalendarDelta:
    """The reverse of `dump_delta`."""
    if "months" in document:
        return CalendarDelta.deserialize(document)
    return timedelta(seconds=document["delta_s"])

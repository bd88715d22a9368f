"""`airflow.utils.weekday`: the days of the week, numbered as in ISO 8601."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum


class WeekDay(IntEnum):
    """Monday is 1, Sunday is 7."""

    MONDAY = 1
    TUESDAY = 2
    WEDNESDAY = 3
    THURSDAY = 4
    FRIDAY = 5
    SATURDAY = 6
    SUNDAY = 7

    @classmethod
    def get_weekday_number(cls, week_day_str: str) -> int:
        """The number of a day by its English name, in whatever case.

        Raises:
            AttributeError: there is no such day.
        """
        try:
            return cls[week_day_str.upper()]
        except KeyError:
            days = ", ".join(day.name.title() for day in cls)
            raise AttributeError(f"{week_day_str!r} is no day of the week; one of {days}") from None

    @classmethod
    def convert(cls, day: str | WeekDay) -> int:
        """The number of a day."""
        return day if isinstance(day, WeekDay) else cls.get_weekday_number(day)

    @classmethod
    def validate_week_day(cls, week_day: str | WeekDay | Iterable[str | WeekDay]) -> set[int]:
        """The numbers of one day or several.

        Raises:
            AttributeError: there is no such day.
        """
        days = [week_day] if isinstance(week_day, str | WeekDay) else week_day
        return {cls.convert(day) for day in days}

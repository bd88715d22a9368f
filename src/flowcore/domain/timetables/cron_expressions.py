"""Cron expressions: the spellings that Airflow accepts, checked and spelled out for `cronsim`.

Five fields, or six with the seconds last; presets such as `@daily`; and what `cron_fields.py` makes
of each field. When both day fields are restricted, a day that matches either will do. An expression
that never fires is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache

import attrs
from cronsim import CronSim, CronSimError

from flowcore.domain.timetables.cron_fields import EVERY_HOUR, spell_out
from flowcore.errors import DagError

PRESETS: Mapping[str, str] = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@quarterly": "0 0 1 */3 *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}

_LONG_AGO = datetime(2000, 1, 1)  # noqa: DTZ001 - a wall clock time


@attrs.frozen
class CronExpression:
    """A valid expression. Equal texts are equal; times are wall clock times without zone."""

    text: str
    covers_every_hour: bool = attrs.field(eq=False)
    _spelled_out: str = attrs.field(eq=False, repr=False)

    def times_after(self, wall: datetime) -> Iterator[datetime]:
        """The matching times after `wall`, ascending."""
        return iter(CronSim(self._spelled_out, wall))

    def times_before(self, wall: datetime) -> Iterator[datetime]:
        """The matching times before `wall`, descending."""
        return iter(CronSim(self._spelled_out, wall, reverse=True))


@cache
def parse_cron(text: str) -> CronExpression:
    """The expression of a preset or of five or six fields.

    Raises:
        DagError: It is no cron expression, or one that never fires.
    """
    expression = PRESETS.get(text.strip().lower(), text)
    try:
        minute, hour, day, month, weekday, second = spell_out(expression)
        # cronsim wants the seconds first.
        spelled_out = " ".join((second, minute, hour, day, month, weekday))
        parsed = CronExpression(expression, hour in EVERY_HOUR, spelled_out)
        if not any(parsed.times_after(_LONG_AGO)):
            raise ValueError("it never fires")
    except (ValueError, CronSimError) as error:
        raise DagError(
            f"the cron expression {text!r} is wrong: {error};"
            " write five fields such as '30 4 * * MON', and days that the months have"
        ) from error
    return parsed

"""The instants at which a cron expression fires in a time zone, across every change of the clocks.

Where the clocks go forward, a time that does not exist fires as much later as they jump. Where they
go back, a time that occurs twice fires at its second occurrence; only an expression that fires in
every hour fires at both, so that no hour of real time is left out.

These rules define a set of instants that does not depend on where one starts, so the intervals
between them have a positive length and tile the line. The price is that wall clock order is not the
order of instants near a change: the search below goes on until no later candidate can be nearer.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo

import attrs

from flowcore.domain.timetables.cron_expressions import CronExpression
from flowcore.errors import InvariantBroken

_DAY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)


@attrs.frozen
class Ticks:
    """Finds the ticks next to an instant. All instants are aware and in UTC."""

    expression: CronExpression
    zone: tzinfo

    def after(self, instant: datetime) -> datetime:
        """The first tick later than `instant`."""
        least, _ = self._offsets_around(self._wall(instant))
        nearest: datetime | None = None
        for wall in self.expression.times_after(_naive(instant) + least):
            for tick in self._ticks_of(wall):
                if tick > instant and (nearest is None or tick < nearest):
                    nearest = tick
            _, most = self._offsets_around(wall)
            if nearest is not None and nearest <= _aware(wall - most):
                return nearest
        raise self._broken(instant)

    def before(self, instant: datetime) -> datetime:
        """The last tick earlier than `instant`."""
        _, most = self._offsets_around(self._wall(instant))
        nearest: datetime | None = None
        for wall in self.expression.times_before(_naive(instant) + most):
            for tick in self._ticks_of(wall):
                if tick < instant and (nearest is None or tick > nearest):
                    nearest = tick
            least, _ = self._offsets_around(wall)
            if nearest is not None and nearest >= _aware(wall - least):
                return nearest
        raise self._broken(instant)

    def at_or_after(self, instant: datetime) -> datetime:
        """`instant` if it is a tick, otherwise the first one later."""
        return self.after(instant - _INSTANT)

    def at_or_before(self, instant: datetime) -> datetime:
        """`instant` if it is a tick, otherwise the last one earlier."""
        return self.before(instant + _INSTANT)

    def _ticks_of(self, wall: datetime) -> Iterator[datetime]:
        first = _aware(wall - self._offset(wall))
        second = _aware(wall - self._offset(wall.replace(fold=1)))
        # They differ only near a change of the clocks: in ascending order where the time occurs
        # twice; in descending order where it does not exist, the later being the one shifted forward.
        if self.expression.covers_every_hour and first < second:
            yield first
        yield max(first, second)

    def _offsets_around(self, wall: datetime) -> tuple[timedelta, timedelta]:
        """The least and the most that the zone is ahead of UTC within a day of a wall clock time."""
        offsets = [self._offset(wall + _DAY * shift) for shift in (-1, 0, 1)]
        return min(offsets), max(offsets)

    def _offset(self, wall: datetime) -> timedelta:
        return wall.replace(tzinfo=self.zone).utcoffset() or timedelta()

    def _wall(self, instant: datetime) -> datetime:
        return instant.astimezone(self.zone).replace(tzinfo=None)

    def _broken(self, instant: datetime) -> InvariantBroken:
        # An expression that parses fires at least once in fifty years, which is how far cronsim looks.
        return InvariantBroken(f"{self.expression.text!r} has no tick next to {instant}; please report this")


def _naive(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(tzinfo=None)


def _aware(utc: datetime) -> datetime:
    return utc.replace(tzinfo=UTC)

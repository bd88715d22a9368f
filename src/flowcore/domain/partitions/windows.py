"""Windows: minutes of an hour up to months of a year, and fixed sets of keys.

Times are naive here, in the zone of the mapper that reads and writes them. The period of months begins on the
first of one, which mappers of months, quarters and years see to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

import attrs

from flowcore.domain.partitions.base import Direction, Window
from flowcore.errors import DagError

Step = Callable[[datetime, int], datetime]


@attrs.frozen(kw_only=True)
class _TimeWindow(Window):
    direction: Direction = attrs.field(default=Direction.FORWARD, converter=Direction)

    expected_decoded_type: ClassVar[type] = datetime

    def _steps(self, start: datetime, count: int, step: Step) -> Sequence[datetime]:
        first = step(start, 1 - count) if self.direction is Direction.BACKWARD else start
        return [step(first, number) for number in range(count)]


def _by(unit: timedelta) -> Step:
    return lambda start, number: start + number * unit


def _months_later(start: datetime, months: int) -> datetime:
    if start.day != 1:
        raise ValueError(f"a period of months begins on {start.date()}, which is no first of a month")
    years, month = divmod(start.month - 1 + months, 12)
    return start.replace(year=start.year + years, month=month + 1)


class HourWindow(_TimeWindow):
    """The minutes of an hour."""

    size_max: ClassVar = 60

    def to_upstream(self, decoded_downstream: datetime) -> Sequence[datetime]:
        return self._steps(decoded_downstream, 60, _by(timedelta(minutes=1)))


class DayWindow(_TimeWindow):
    """The 24 hours of a day; keys in UTC have no day that is longer or shorter."""

    size_max: ClassVar = 24

    def to_upstream(self, decoded_downstream: datetime) -> Sequence[datetime]:
        return self._steps(decoded_downstream, 24, _by(timedelta(hours=1)))


class WeekWindow(_TimeWindow):
    """The days of a week."""

    size_max: ClassVar = 7

    def to_upstream(self, decoded_downstream: datetime) -> Sequence[datetime]:
        return self._steps(decoded_downstream, 7, _by(timedelta(days=1)))


class MonthWindow(_TimeWindow):
    """The days of a month; backward those after the first of the month before, up to the first."""

    size_max: ClassVar = 31

    def to_upstream(self, decoded_downstream: datetime) -> Sequence[datetime]:
        other = _months_later(decoded_downstream, -1 if self.direction is Direction.BACKWARD else 1)
        return self._steps(decoded_downstream, abs((other - decoded_downstream).days), _by(timedelta(days=1)))


class QuarterWindow(_TimeWindow):
    """The months of a quarter."""

    size_max: ClassVar = 3

    def to_upstream(self, decoded_downstream: datetime) -> Sequence[datetime]:
        return self._steps(decoded_downstream, 3, _months_later)


class YearWindow(_TimeWindow):
    """The months of a year."""

    size_max: ClassVar = 12

    def to_upstream(self, decoded_downstream: datetime) -> Sequence[datetime]:
        return self._steps(decoded_downstream, 12, _months_later)


def _segments(segments: Iterable[object]) -> tuple[str, ...]:
    several = [segments] if isinstance(segments, str) else [*segments]
    texts = [one for one in several if isinstance(one, str) and one]
    if isinstance(segments, str) or not several or len(texts) < len(several):
        raise DagError(f"SegmentWindow was given {segments!r:.80}; give it a list of keys, which are texts")
    return tuple(sorted(set(texts)))


@attrs.frozen
class SegmentWindow(Window):
    """A fixed set of keys, whatever the period."""

    segments: tuple[str, ...] = attrs.field(converter=_segments)

    def to_upstream(self, decoded_downstream: Any) -> Sequence[str]:
        return self.segments

    @property
    def size_max(self) -> int:
        return len(self.segments)

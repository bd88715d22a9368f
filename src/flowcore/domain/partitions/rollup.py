"""Many updates for one run, which waits for all or enough of them; and one update for many runs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

import attrs

from flowcore.domain.partitions.base import PartitionMapper, Window
from flowcore.domain.partitions.temporal import StartOfDayMapper, StartOfHourMapper, StartOfMonthMapper
from flowcore.errors import DagError


@attrs.frozen
class WaitPolicy(ABC):
    """How many of the updates that a window has a run waits for."""

    @abstractmethod
    def is_satisfied(self, matched: int, expected: int) -> bool:
        """Whether `matched` of `expected` are enough."""

    def is_unreachable(self, expected: int) -> bool:
        """Whether not even all would be enough."""
        return not self.is_satisfied(expected, expected)


@attrs.frozen
class WaitForAll(WaitPolicy):
    """All."""

    def is_satisfied(self, matched: int, expected: int) -> bool:
        return matched >= expected


@attrs.frozen
class MinimumCount(WaitPolicy):
    """At least `n`; with a negative `n` all but so many."""

    n: int = attrs.field()

    @n.validator
    def _check(self, attribute: object, n: object) -> None:
        if not isinstance(n, int) or isinstance(n, bool) or n == 0:
            raise DagError(
                f"MinimumCount({n!r}) is no number of updates; use at least 1, or less than 0 for all but so"
                " many, or WaitForAll()"
            )

    def is_satisfied(self, matched: int, expected: int) -> bool:
        return matched >= (self.n if self.n > 0 else max(0, expected + self.n))


def _policy(policy: object) -> WaitPolicy:
    if not isinstance(policy, WaitPolicy | None):
        raise DagError(f"{policy!r:.60} is no wait policy; use WaitForAll() or MinimumCount(n)")
    return policy or WaitForAll()


@attrs.frozen(kw_only=True)
class RollupMapper(PartitionMapper):
    """A run for the period that an update belongs to, once enough updates of its `window` have come.

    `upstream_mapper` maps an update to the period.
    """

    upstream_mapper: PartitionMapper
    window: Window
    wait_policy: WaitPolicy = attrs.field(factory=WaitForAll, converter=_policy)

    def __attrs_post_init__(self) -> None:
        _check_pair("RollupMapper", self.upstream_mapper, self.window)
        if self.wait_policy.is_unreachable(self.window.size_max):
            raise DagError(
                f"{self.wait_policy!r} waits for more than the {self.window.size_max} updates of"
                f" {type(self.window).__name__}, so that no run would ever start; wait for fewer"
            )

    def to_downstream(self, key: str) -> str | Iterable[str]:
        return self.upstream_mapper.to_downstream(key)

    def to_upstream(self, downstream_key: str) -> frozenset[str]:
        """The keys of all updates that belong to a run."""
        period = self.upstream_mapper.decode_downstream(downstream_key)
        return frozenset(map(self.upstream_mapper.encode_upstream, self.window.to_upstream(period)))

    def has_arrived(self, downstream_key: str, arrived: Collection[str]) -> bool:
        """Whether enough updates have come for the run.

        Raises:
            ValueError: the key is malformed.
        """
        expected = self.to_upstream(downstream_key)
        return self.wait_policy.is_satisfied(len(expected.intersection(arrived)), len(expected))

    def to_partition_date(self, downstream_key: str) -> datetime | None:
        return self.upstream_mapper.to_partition_date(downstream_key)


#: How parts of a period are written, if nothing is said.
_WRITTEN_BY: Mapping[str, type[PartitionMapper]] = {
    "DayWindow": StartOfHourMapper,
    "WeekWindow": StartOfDayMapper,
    "MonthWindow": StartOfDayMapper,
    "QuarterWindow": StartOfMonthMapper,
    "YearWindow": StartOfMonthMapper,
}


@attrs.frozen(kw_only=True)
class FanOutMapper(PartitionMapper):
    """A run for each part of the period that an update is for; `downstream_mapper` writes their keys."""

    upstream_mapper: PartitionMapper
    window: Window
    downstream_mapper: PartitionMapper | None = None

    def __attrs_post_init__(self) -> None:
        _check_pair("FanOutMapper", self.upstream_mapper, self.window)
        if self.downstream_mapper is None and type(self.window).__name__ not in _WRITTEN_BY:
            raise DagError(
                f"FanOutMapper cannot tell how keys of {type(self.window).__name__} are written; give it a"
                " downstream_mapper"
            )

    @property
    def _written_by(self) -> PartitionMapper:
        return self.downstream_mapper or _WRITTEN_BY[type(self.window).__name__]()

    def to_downstream(self, key: str) -> Sequence[str]:
        period = self.upstream_mapper.to_downstream(key)
        if not isinstance(period, str):
            raise ValueError("it becomes several periods, and FanOutMapper takes one")
        parts = self.window.to_upstream(self.upstream_mapper.decode_downstream(period))
        return [self._written_by.format(part) for part in parts]

    def to_partition_date(self, downstream_key: str) -> datetime | None:
        return self._written_by.to_partition_date(downstream_key)


def _check_pair(kind: str, mapper: object, window: object) -> None:
    if not isinstance(mapper, PartitionMapper) or not isinstance(window, Window):
        raise DagError(f"{kind} was given {mapper!r:.60} and {window!r:.60}; give it a mapper and a window")
    if mapper.expected_decoded_type is not window.expected_decoded_type:
        raise DagError(
            f"{kind} was given a {type(mapper).__name__}, which makes"
            f" {mapper.expected_decoded_type.__name__}, and a {type(window).__name__}, which needs"
            f" {window.expected_decoded_type.__name__}; use those that go together"
        )

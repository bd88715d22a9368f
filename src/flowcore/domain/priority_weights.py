"""Effective priority weights: what a task weighs together with all that come after or before it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from enum import StrEnum
from graphlib import TopologicalSorter
from typing import Any

# The databases keep weights in signed 32-bit columns.
_LEAST, _MOST = -(2**31), 2**31 - 1


class WeightRule(StrEnum):
    """Which weights are added to a task's own."""

    ABSOLUTE = "absolute"  # none
    DOWNSTREAM = "downstream"  # those of all tasks that come after it
    UPSTREAM = "upstream"  # those of all tasks that come before it


class PriorityWeightStrategy(ABC):
    """Weighs task instances as its author likes; given to a task as `weight_rule`."""

    @abstractmethod
    def get_weight(self, ti: Any) -> int:
        """What a task instance weighs; `ti.try_number` tries of it have ended.

        Asked when the Dag is read, where `ti` has no run yet, and after a try that failed, in its process.
        """


Edges = Sequence[Sequence[int]]


def effective_weights(
    weights: Sequence[int], rules: Sequence[WeightRule], *, upstream: Edges, downstream: Edges
) -> tuple[int, ...]:
    """The effective weight of each task, by position; each within signed 32 bits, as sums too.

    `upstream` and `downstream` hold the positions of each task's direct neighbours; there must be no
    cycle among them.
    """
    own = [clamped(weight) for weight in weights]
    sums = {WeightRule.ABSOLUTE: own}
    for rule, edges in ((WeightRule.UPSTREAM, upstream), (WeightRule.DOWNSTREAM, downstream)):
        if rule in rules:
            sums[rule] = _sums_over_reach(own, edges)
    return tuple(clamped(sums[rule][position]) for position, rule in enumerate(rules))


def clamped(weight: int) -> int:
    """The nearest weight that the databases can keep."""
    return max(_LEAST, min(weight, _MOST))


def _sums_over_reach(weights: Sequence[int], edges: Edges) -> list[int]:
    """For each task the sum over itself and all that its edges reach, each counted once."""
    least = min(weights)
    planes = _bit_planes(weight - least for weight in weights)
    sums = [0] * len(weights)
    reach = [0] * len(weights)
    for position in TopologicalSorter(dict(enumerate(edges))).static_order():
        tasks = 1 << position
        for neighbour in edges[position]:
            tasks |= reach[neighbour]
        reach[position] = tasks
        excess = sum((tasks & plane).bit_count() << bit for bit, plane in enumerate(planes))
        sums[position] = least * tasks.bit_count() + excess
    return sums


def _bit_planes(numbers: Iterable[int]) -> list[int]:
    """For each binary digit the set, as bits, of the positions whose number has it.

    A set of tasks is one integer throughout, and its sum takes a few operations on integers however
    many tasks there are: ten thousand tasks in a row would be fifty million additions otherwise.
    """
    planes: list[int] = []
    for position, number in enumerate(numbers):
        planes.extend([0] * (number.bit_length() - len(planes)))
        for bit in range(number.bit_length()):
            planes[bit] |= (number >> bit & 1) << position
    return planes

"""What `>>` and `<<` join: tasks, their outputs, groups of tasks, labels, and lists of these.

A dependency is made at once, between the tasks that a node has at that moment. A group without tasks
therefore joins nothing: fill it first.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

from flowcore.errors import DagError

if TYPE_CHECKING:
    from flowcore.sdk.operators import BaseOperator

_Other = TypeVar("_Other", bound="Node | Sequence[Node]")


class Node(ABC):
    """Something that can stand on either side of `>>`."""

    @property
    @abstractmethod
    def roots(self) -> Sequence[BaseOperator]:
        """The tasks that wait for what comes before this node."""

    @property
    @abstractmethod
    def leaves(self) -> Sequence[BaseOperator]:
        """The tasks that what comes after this node waits for."""

    def note_join(self, upstream: Node, downstream: Node) -> None:
        """Take note that this node, which is one of the two, was joined with the other."""
        return

    def set_upstream(self, other: Node | Sequence[Node]) -> None:
        """Make this node wait for `other`."""
        for node in each_node(other):
            join(node, self)

    def set_downstream(self, other: Node | Sequence[Node]) -> None:
        """Make `other` wait for this node."""
        for node in each_node(other):
            join(self, node)

    def __rshift__(self, other: _Other) -> _Other:
        self.set_downstream(other)
        return other

    def __lshift__(self, other: _Other) -> _Other:
        self.set_upstream(other)
        return other

    # A list has no `>>` of its own, so `[a, b] >> c` arrives here, at c.
    def __rrshift__(self, other: Sequence[Node]) -> Node:
        self.set_upstream(other)
        return self

    def __rlshift__(self, other: Sequence[Node]) -> Node:
        self.set_downstream(other)
        return self


def chain(*nodes: Node | Sequence[Node]) -> None:
    """Make each node wait for the one before: `chain(a, [b, c], [d, e], f)`.

    Two neighbouring lists are joined pairwise (b to d and c to e).

    Raises:
        DagError: Two neighbouring lists differ in length.
    """
    for before, after in pairwise(nodes):
        for upstream, downstream in _pairs(before, after):
            join(upstream, downstream)


def chain_linear(*nodes: Node | Sequence[Node]) -> None:
    """Make every node of each list wait for every node of the list before: `chain_linear(a, [b, c], [d, e])`.

    Raises:
        DagError: There are fewer than two nodes or lists, or one of them is empty.
    """
    steps = [list(each_node(node)) for node in nodes]
    if len(steps) < 2 or not all(steps):
        raise DagError(
            "chain_linear() was given nothing to join; give it two or more tasks or lists of tasks"
            " (and unpack a list of steps with *)"
        )
    for before, after in pairwise(steps):
        cross_downstream(before, after)


def cross_downstream(from_tasks: Node | Sequence[Node], to_tasks: Node | Sequence[Node]) -> None:
    """Make each of `to_tasks` wait for each of `from_tasks`."""
    for upstream in each_node(from_tasks):
        for downstream in each_node(to_tasks):
            join(upstream, downstream)


def _pairs(before: Node | Sequence[Node], after: Node | Sequence[Node]) -> Iterator[tuple[Node, Node]]:
    earlier, later = list(each_node(before)), list(each_node(after))
    if isinstance(before, Node) or isinstance(after, Node):
        return ((upstream, downstream) for upstream in earlier for downstream in later)
    if len(earlier) != len(later):
        raise DagError(
            f"chain() was given neighbouring lists of {len(earlier)} and {len(later)} tasks, which it joins"
            " pairwise; make them equally long, or put one task between them"
        )
    return zip(earlier, later, strict=True)


def each_node(other: Any) -> Iterator[Node]:
    """The nodes of a list, or the one node that was given.

    Raises:
        DagError: Something else is among them.
    """
    for item in other if isinstance(other, list | tuple | set | frozenset) else [other]:
        if not isinstance(item, Node):
            raise DagError(
                f"{item!r} cannot stand beside >> or <<; use a task, its output, a TaskGroup, a Label or a"
                " list of these (a function becomes a task with @task, and when it is called)"
            )
        yield item


def join(upstream: Node, downstream: Node) -> None:
    """Make one node wait for another."""
    for before in upstream.leaves:
        for after in downstream.roots:
            after.wait_for(before)
    for node in (upstream, downstream):
        node.note_join(upstream, downstream)

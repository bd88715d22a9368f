"""Outlines of Dag files: what an author writes, block by block.

`outline_meanings.py` says what one means, `dag_files.py` writes it down with the SDK, and `drawn_outlines.py`
draws them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

import attrs

from flowcore.domain.trigger_rules import TriggerRule

#: What there is one for each element of: so many elements, or what a step returns.
Over = int | str | None


@attrs.frozen
class Step:
    """A task that is given what others return; as a function, or `is_operator`."""

    name: str
    takes: tuple[str, ...] = ()
    over: Over = None
    is_operator: bool = False


@attrs.frozen
class Join:
    """Before and after, and how an author says so."""

    how: str
    before: tuple[str, ...]
    after: tuple[str, ...]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """`chain` joins two lists side by side; all else joins each with each."""
        are_lists = len(self.before) > 1 and len(self.after) > 1
        if self.how == "chain" and are_lists:
            return list(zip(self.before, self.after, strict=True))
        return list(product(self.before, self.after))


@attrs.frozen
class Body:
    """What is written in one block."""

    parts: tuple[Step | Group | Scope, ...] = ()
    joins: tuple[Join, ...] = ()


@attrs.frozen
class Group:
    """A TaskGroup; written as a function if there is one for each element of `over`, or `is_function`."""

    name: str
    body: Body
    prefixes: bool = True
    is_function: bool = False
    over: Over = None


@attrs.frozen
class Scope:
    """A `with` block between setups and a teardown; either of them may be missing."""

    setups: tuple[str, ...]
    teardowns: tuple[str, ...]
    body: Body
    fails_run: bool = False
    is_decorated: bool = False


@attrs.frozen
class Outline:
    """A whole file, with the trigger rules that are not `all_success`."""

    body: Body
    rules: Mapping[str, TriggerRule] = attrs.field(factory=dict)


@attrs.frozen
class Written:
    """A task as it comes in a file: the groups around it from the outside in, and its place in a scope."""

    name: str
    groups: tuple[Group, ...]
    step: Step | None = None
    setup_of: Scope | None = None
    teardown_of: Scope | None = None


def tasks_in(body: Body, groups: tuple[Group, ...] = ()) -> Iterator[Written]:
    """The tasks in the order in which they are written."""
    for part in body.parts:
        match part:
            case Step():
                yield Written(part.name, groups, step=part)
            case Group():
                yield from tasks_in(part.body, (*groups, part))
            case Scope():
                yield from (Written(name, groups, setup_of=part) for name in part.setups)
                yield from (Written(name, groups, teardown_of=part) for name in part.teardowns)
                yield from tasks_in(part.body, groups)


def names_in(part: Body | Group) -> set[str]:
    """The names of all tasks in it."""
    return {task.name for task in tasks_in(part.body if isinstance(part, Group) else part)}


def bodies_in(body: Body) -> Iterator[Body]:
    """A body and all those inside of it."""
    yield body
    for part in body.parts:
        if isinstance(part, Group | Scope):
            yield from bodies_in(part.body)


def groups_in(body: Body) -> Iterator[Group]:
    """All groups, each before those inside of it."""
    return (part for inside in bodies_in(body) for part in inside.parts if isinstance(part, Group))

"""Who looks at whom: for which tasks it matters how another one ended, and as what.

Derived once from a Dag, so that a task instance that finishes touches only those for whom it matters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

import attrs

from flowcore.domain.setups import scope_of_teardown, setups_of, tasks_under_setup
from flowcore.domain.skips import tasks_it_may_skip
from flowcore.domain.task_mapping import sources_of

if TYPE_CHECKING:
    from flowcore.domain.dags import Dag, Task


class Look(IntEnum):
    """As what a task looks at another one."""

    UPSTREAM = 0  # its trigger rule counts it
    OWN_SETUP = 1  # a setup right before a teardown, of which one must have succeeded
    NEEDED = 2  # a setup further up, of which all must have succeeded
    SCOPE = 3  # between a teardown and its setups: must be over
    MAY_SKIP = 4  # may say that the task be skipped: must be over
    SOURCE = 5  # the task is mapped over its output: must be over


class Others(NamedTuple):
    """Whom a task looks at: at all instances of those `outside`.

    Those `inside` are mapped with it, and an instance looks at the ones of its own index.
    """

    outside: tuple[int, ...]
    inside: tuple[int, ...]


class Watcher(NamedTuple):
    """A task that looks at another one."""

    position: int
    look: Look
    is_inside: bool


NO_OTHERS = Others((), ())


@attrs.frozen
class Dependencies:
    """By position: whom a task looks at, and who looks at it as what."""

    looks_at: tuple[Mapping[Look, Others], ...]
    looked_at_by: tuple[tuple[Watcher, ...], ...]


def dependencies_of(dag: Dag) -> Dependencies:
    """Derive who looks at whom."""
    needed, may_skip = _needed_setups(dag), _may_skip(dag)
    looks_at = []
    looked_at_by: list[list[Watcher]] = [[] for _ in dag.tasks]
    for task in dag.tasks:
        looks = _looks(dag, task, needed[task.position], may_skip[task.position])
        looks_at.append({look: _split(dag, task, others) for look, others in looks.items() if others})
        for look, (outside, inside) in looks_at[-1].items():
            for other in (*outside, *inside):
                looked_at_by[other].append(Watcher(task.position, look, other in inside))
    return Dependencies(tuple(looks_at), tuple(map(tuple, looked_at_by)))


def _looks(
    dag: Dag, task: Task, needed_setups: Iterable[int], may_skip: Iterable[int]
) -> Mapping[Look, tuple[int, ...]]:
    looks = {Look.UPSTREAM: task.upstream, Look.MAY_SKIP: tuple(may_skip)}
    if task.mapping is not None:
        looks[Look.SOURCE] = tuple(sorted(set(sources_of(dag.mappings[task.mapping]))))
    if task.is_teardown:
        looks[Look.OWN_SETUP] = setups_of(dag, task)
        looks[Look.SCOPE] = tuple(sorted(scope_of_teardown(dag, task)))
    else:
        looks[Look.NEEDED] = tuple(needed_setups)
    return looks


def _split(dag: Dag, task: Task, others: Iterable[int]) -> Others:
    inside = {p for p in others if task.mapping is not None and dag.tasks[p].mapping == task.mapping}
    return Others(tuple(p for p in others if p not in inside), tuple(sorted(inside)))


def _needed_setups(dag: Dag) -> list[list[int]]:
    """By position the setups that concern a task without being right before it."""
    needed: list[list[int]] = [[] for _ in dag.tasks]
    for setup in dag.tasks:
        if setup.is_setup:
            for position in tasks_under_setup(dag, setup) - set(setup.downstream):
                needed[position].append(setup.position)
    return needed


def _may_skip(dag: Dag) -> list[list[int]]:
    """By position the tasks that may skip a task."""
    may_skip: list[list[int]] = [[] for _ in dag.tasks]
    for task in dag.tasks:
        for position in tasks_it_may_skip(dag, task):
            may_skip[position].append(task.position)
    return may_skip

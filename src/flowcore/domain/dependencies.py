"""Who looks at whom: for which tasks it matters how another one ended, and as what.

Derived once from a Dag, so that a task instance that finishes touches only those for whom it matters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import TYPE_CHECKING

import attrs

from flowcore.domain.setups import scope_of_teardown, setups_of, tasks_under_setup
from flowcore.domain.skips import tasks_it_may_skip

if TYPE_CHECKING:
    from flowcore.domain.dags import Dag, Task


class Look(IntEnum):
    """As what a task looks at another one."""

    UPSTREAM = 0  # its trigger rule counts it
    OWN_SETUP = 1  # a setup right before a teardown, of which one must have succeeded
    NEEDED = 2  # a setup further up, of which all must have succeeded
    SCOPE = 3  # between a teardown and its setups: must be over
    MAY_SKIP = 4  # may say that the task be skipped: must be over


@attrs.frozen
class Dependencies:
    """By position: whom a task looks at, and who looks at it as what."""

    looks_at: tuple[Mapping[Look, tuple[int, ...]], ...]
    looked_at_by: tuple[tuple[tuple[int, Look], ...], ...]


def dependencies_of(dag: Dag) -> Dependencies:
    """Derive who looks at whom."""
    needed, may_skip = _needed_setups(dag), _may_skip(dag)
    looks_at = tuple(_looks(dag, task, needed[task.position], may_skip[task.position]) for task in dag.tasks)
    looked_at_by: list[list[tuple[int, Look]]] = [[] for _ in dag.tasks]
    for position, looks in enumerate(looks_at):
        for look, others in looks.items():
            for other in others:
                looked_at_by[other].append((position, look))
    return Dependencies(looks_at, tuple(map(tuple, looked_at_by)))


def _looks(
    dag: Dag, task: Task, needed_setups: Iterable[int], may_skip: Iterable[int]
) -> Mapping[Look, tuple[int, ...]]:
    looks = {Look.UPSTREAM: task.upstream, Look.MAY_SKIP: tuple(may_skip)}
    if task.is_teardown:
        looks[Look.OWN_SETUP] = setups_of(dag, task)
        looks[Look.SCOPE] = tuple(sorted(scope_of_teardown(dag, task)))
    else:
        looks[Look.NEEDED] = tuple(needed_setups)
    return {look: others for look, others in looks.items() if others}


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

"""Setups and teardowns: which setups a task needs, what a teardown waits for, what is cleared together.

A setup concerns a task downstream of it as long as a teardown right after the setup is still to come, or
if the setup has none. Tasks are named by their positions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flowcore.domain.dags import Dag, Task


def tasks_under_setup(dag: Dag, setup: Task) -> frozenset[int]:
    """The tasks that a setup concerns."""
    after = downstream_of(dag, [setup.position])
    teardowns = teardowns_of(dag, setup)
    return after & upstream_of(dag, teardowns) if teardowns else after


def scope_of_teardown(dag: Dag, teardown: Task) -> frozenset[int]:
    """What lies between a teardown and the setups right before it."""
    return downstream_of(dag, setups_of(dag, teardown)) & upstream_of(dag, [teardown.position])


def with_setups_and_teardowns(dag: Dag, positions: Iterable[int]) -> frozenset[int]:
    """These tasks, the setups that concern them, and the teardowns of all these setups.

    Who clears a task clears them with it, so that what it needs is there when it runs again.
    """
    chosen = frozenset(positions)
    setups = [
        task
        for task in dag.tasks
        if task.is_setup and (task.position in chosen or chosen & tasks_under_setup(dag, task))
    ]
    return chosen.union(*([setup.position, *teardowns_of(dag, setup)] for setup in setups))


def setups_of(dag: Dag, teardown: Task) -> tuple[int, ...]:
    """The setups right before a teardown."""
    return tuple(position for position in teardown.upstream if dag.tasks[position].is_setup)


def teardowns_of(dag: Dag, setup: Task) -> tuple[int, ...]:
    """The teardowns right after a setup."""
    return tuple(position for position in setup.downstream if dag.tasks[position].is_teardown)


def upstream_of(dag: Dag, positions: Iterable[int]) -> frozenset[int]:
    """All that comes before any of these tasks."""
    return _reached(positions, lambda position: dag.tasks[position].upstream)


def downstream_of(dag: Dag, positions: Iterable[int]) -> frozenset[int]:
    """All that comes after any of these tasks."""
    return _reached(positions, lambda position: dag.tasks[position].downstream)


def _reached(positions: Iterable[int], neighbours: Callable[[int], Iterable[int]]) -> frozenset[int]:
    waiting, seen = list(positions), set[int]()
    while waiting:
        new = set(neighbours(waiting.pop())) - seen
        seen |= new
        waiting += new
    return frozenset(seen)

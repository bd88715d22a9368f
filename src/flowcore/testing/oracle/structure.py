"""Who is concerned by whom in a Dag, read off its edges: setups, scopes of teardowns, those that skip."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from flowcore.domain.dags import Dag, Task
from flowcore.domain.skips import SkipReach
from flowcore.domain.task_mapping import sources_of


def are_together(one: Task, other: Task) -> bool:
    """Whether tasks are mapped together: each instance then sees the other's with its own index only."""
    return one.mapping is not None and one.mapping == other.mapping


def sources(dag: Dag, task: Task) -> set[int]:
    """The tasks over whose outputs a task is mapped."""
    return set() if task.mapping is None else set(sources_of(dag.mappings[task.mapping]))


def those_that_may_skip(dag: Dag, task: Task) -> set[int]:
    """Branches right before a task, and whatever may skip all that follows; nothing skips a teardown."""
    before = {p: dag.tasks[p].may_skip for p in _before(dag, task)}
    direct = {p for p in task.upstream if before[p] is not SkipReach.NOTHING}
    return set() if task.is_teardown else direct | {p for p in before if before[p] is SkipReach.ALL}


def indirect_setups(dag: Dag, task: Task) -> set[int]:
    """The setups further up, but for those whose teardowns are all past."""
    after = _after(dag, task)
    setups = [dag.tasks[p] for p in _before(dag, task) if dag.tasks[p].is_setup]
    concerned = {
        setup.position
        for setup in setups
        if not (teardowns := {p for p in setup.downstream if dag.tasks[p].is_teardown}) or teardowns & after
    }
    return concerned - set(task.upstream)


def scope(dag: Dag, teardown: Task) -> set[int]:
    """What lies between a teardown and the setups right before it."""
    setups = [dag.tasks[p] for p in teardown.upstream if dag.tasks[p].is_setup]
    after = set[int]().union(*(_after(dag, setup) for setup in setups))
    return after & _before(dag, teardown)


def leaves(dag: Dag) -> Collection[int]:
    """Whose ends are that of the run: the last tasks, where teardowns that do not count are overlooked."""
    counted = {task.position for task in dag.tasks if not task.is_teardown or task.on_failure_fail_dagrun}
    last = [position for position in counted if not counted & set(dag.tasks[position].downstream)]
    return last or [task.position for task in dag.tasks if not task.downstream]


def _before(dag: Dag, task: Task) -> set[int]:
    return _reach(dag, task, lambda other: other.upstream)


def _after(dag: Dag, task: Task) -> set[int]:
    return _reach(dag, task, lambda other: other.downstream)


def _reach(dag: Dag, task: Task, neighbours: Callable[[Task], Iterable[int]]) -> set[int]:
    reached = set(neighbours(task))
    while more := {other for p in reached for other in neighbours(dag.tasks[p])} - reached:
        reached |= more
    return reached

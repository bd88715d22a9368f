"""What an outline plainly means: tasks, who waits for whom, groups, instances.

Nothing of the SDK is known here: tasks are names, and dependencies are pairs of names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

from flowcore.domain.dags import Dag, Task
from flowcore.domain.task_mapping import Length, LengthKind
from flowcore.domain.trigger_rules import TriggerRule
from tests.properties.outlines import (
    Body,
    Group,
    Outline,
    Over,
    Scope,
    Step,
    Written,
    bodies_in,
    groups_in,
    names_in,
    tasks_in,
)

#: Names (before, after).
Edges = set[tuple[str, str]]


def edges(body: Body) -> Edges:
    """Who waits for whom."""
    found: Edges = set()
    for part in body.parts:
        match part:
            case Step():
                found |= {(other, part.name) for other in part.takes}
                found |= {(part.over, part.name)} if isinstance(part.over, str) else set()
            case Group():
                inside = edges(part.body)
                source = {part.over} if isinstance(part.over, str) else set()
                found |= inside | {*product(source, firsts(names_in(part), inside))}
            case Scope():
                inside, work = edges(part.body), names_in(part.body)
                found |= inside | {*product(part.setups, part.teardowns)}
                found |= {*product(part.setups, firsts(work, inside))}
                found |= {*product(lasts(work, inside), part.teardowns)}
    for join in body.joins:
        found |= {pair for sides in join.pairs for pair in between(body, found, *sides)}
    return found


def between(body: Body, found: Edges, before: str, after: str) -> Iterator[tuple[str, str]]:
    """What comes after waits with its first tasks, for those that end what comes before."""
    groups = {group.name: group for group in groups_in(body)}
    ends = ends_of(groups[before], found) if before in groups else {before}
    starts = firsts(names_in(groups[after]), found) if after in groups else {after}
    yield from product(ends, starts)


def firsts(names: set[str], found: Edges) -> set[str]:
    """Those that wait for none of the others."""
    return names - {after for before, after in found if before in names}


def lasts(names: set[str], found: Edges) -> set[str]:
    """Those that none of the others waits for."""
    return names - {before for before, after in found if after in names}


def ends_of(group: Group, found: Edges) -> set[str]:
    """The work in a group that nothing follows, or nothing but teardowns."""
    tasks = {task.name: task for task in tasks_in(group.body)}
    work = {name for name, task in tasks.items() if not task.teardown_of}
    idle = {task.name for task in tasks.values() if task.setup_of} - lasts(set(tasks), found)
    return lasts(work, found) - idle


def dag_of(outline: Outline) -> Dag:
    """The outline as the scheduler should see it; only what is plainly said in it."""
    written, found = [*tasks_in(outline.body)], edges(outline.body)
    position = {task.name: number for number, task in enumerate(written)}
    overs = [*dict.fromkeys(over for task in written if (over := _mapped_over(task)) is not None)]
    return Dag(
        dag_id="dag",
        tasks=tuple(
            Task(
                task_id=_id(task.name, task.groups),
                position=number,
                upstream=tuple(sorted(position[before] for before, after in found if after == task.name)),
                downstream=tuple(sorted(position[after] for before, after in found if before == task.name)),
                trigger_rule=TriggerRule.ALL_DONE_SETUP_SUCCESS
                if task.teardown_of
                else outline.rules.get(task.name, TriggerRule.ALL_SUCCESS),
                mapping=None if (over := _mapped_over(task)) is None else overs.index(over),
                is_setup=task.setup_of is not None,
                is_teardown=task.teardown_of is not None,
                on_failure_fail_dagrun=task.teardown_of is not None and task.teardown_of.fails_run,
                group_id=_id(task.groups[-1].name, task.groups[:-1]) if task.groups else "",
            )
            for number, task in enumerate(written)
        ),
        mappings=tuple(_length(over, position) for _, over in overs),
        edge_labels=_labels(outline.body, {task.name: _id(task.name, task.groups) for task in written}),
    )


def _id(name: str, groups: tuple[Group, ...]) -> str:
    """The name after the id of the group around it, unless that prefixes nothing."""
    return f"{_id(groups[-1].name, groups[:-1])}.{name}" if groups and groups[-1].prefixes else name


def _mapped_over(task: Written) -> tuple[str, Over] | None:
    """What the task, or a group around it, has an instance for each element of; and whose that is."""
    parts = [*task.groups, *([task.step] if task.step else ())]
    return next(((part.name, part.over) for part in parts if part.over is not None), None)


def _length(over: Over, position: Mapping[str, int]) -> Length:
    if isinstance(over, str):
        return Length(LengthKind.OUTPUT, source=position[over])
    return Length(LengthKind.LITERAL, number=over or 0)


def _labels(body: Body, ids: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Labels stand on the dependencies that they were written between."""
    labels: dict[str, dict[str, str]] = {}
    for inside in bodies_in(body):
        found = edges(inside)
        for before, after in (pair for join in inside.joins if join.how == "label" for pair in join.pairs):
            for first, second in between(inside, found, before, after):
                labels.setdefault(ids[first], {})[ids[second]] = f"{before} to {after}"
    return labels

"""What becomes of one task instance when others ended so, and whether the run before lets it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import attrs

from flowcore.domain.dags import Dag, Task
from flowcore.domain.states import FINISHED, TaskInstanceState
from flowcore.domain.task_mapping import elements
from flowcore.domain.verdicts import UpstreamCounts, Verdict
from flowcore.domain.workloads import NO_EFFECTS, TryEffects
from flowcore.testing.oracle import structure
from flowcore.testing.oracle.trigger_rules import early

#: A task instance: position and map index.
Key = tuple[int, int]
#: None: not decided.
States = Mapping[Key, TaskInstanceState | None]


@attrs.frozen
class Record:
    """What is known of a run: the states, and what those said that succeeded."""

    dag: Dag
    states: States
    said: Mapping[Key, TryEffects]

    def ends(self, task: Task, map_index: int, others: Iterable[int]) -> UpstreamCounts:
        """How these tasks ended for an instance: all their instances, or of those mapped with it its own."""
        keys = []
        for position in others:
            of_task = [key for key in self.states if key[0] == position] or [(position, -1)]
            if structure.are_together(task, self.dag.tasks[position]):
                of_task = [key for key in of_task if key[1] == map_index] or [(position, -1)]
            keys += of_task
        return count_ends(keys, self.states)

    def is_told_to_skip(self, task: Task, map_index: int) -> bool:
        """Whether somebody said that an instance be skipped; those mapped with it mean their own index."""
        return any(
            task.task_id in effects.skips
            for (position, index), effects in self.said.items()
            if index == map_index or not structure.are_together(task, self.dag.tasks[position])
        )

    def sources(self, task: Task) -> UpstreamCounts:
        """How those ended that a task is mapped over: one that said no length is as one that failed."""
        ends = {(p, -1): self._end_as_source(p) for p in structure.sources(self.dag, task)}
        return count_ends(ends, ends)

    def length(self, task: Task) -> int | None:
        """How many elements a task is mapped over; None when that is not known, or it is not mapped."""
        sources = self.sources(task)
        if task.mapping is None or sources.success < sources.total:
            return None
        return elements(self.dag.mappings[task.mapping], self._pushed)

    def _end_as_source(self, position: int) -> TaskInstanceState | None:
        instances = {index: state for (p, index), state in self.states.items() if p == position}
        if not instances or any(state not in FINISHED for state in instances.values()):
            return None
        is_mapped = self.dag.tasks[position].mapping is not None
        state = instances.get(-1, TaskInstanceState.SUCCESS)
        has_none = not is_mapped and self.said.get((position, -1), NO_EFFECTS).length is None
        return TaskInstanceState.FAILED if state is TaskInstanceState.SUCCESS and has_none else state

    def _pushed(self, position: int) -> int:
        return sum(effects.length or 0 for (p, _), effects in self.said.items() if p == position)


def count_ends(keys: Iterable[Key], states: States) -> UpstreamCounts:
    """How these ended; those without a state or still at work are not done."""
    ends = [states.get(key) for key in keys]
    ended = Counter(ends)
    return UpstreamCounts(
        len(ends),
        success=ended[TaskInstanceState.SUCCESS],
        failed=ended[TaskInstanceState.FAILED],
        skipped=ended[TaskInstanceState.SKIPPED],
        upstream_failed=ended[TaskInstanceState.UPSTREAM_FAILED],
        removed=ended[TaskInstanceState.REMOVED],
    )


def verdict_of(record: Record, task: Task, map_index: int = -1) -> Verdict:
    """What becomes of a task instance when all before it ended so; WAIT while what is open may matter."""
    sources, length = record.sources(task), record.length(task)
    if sources.remaining:
        return Verdict.WAIT
    if length is not None and map_index >= max(length, 1):
        return Verdict.REMOVE
    if record.ends(task, map_index, structure.those_that_may_skip(record.dag, task)).remaining:
        return Verdict.WAIT
    if record.is_told_to_skip(task, map_index):
        return Verdict.SKIP
    verdict = _verdict_of_rule(record, task, map_index)
    if sources.bad:
        return Verdict.UPSTREAM_FAIL
    needs_elements = sources.skipped and verdict not in (Verdict.UPSTREAM_FAIL, Verdict.WAIT)
    is_empty = length == 0 and verdict is Verdict.RUN
    return Verdict.SKIP if needs_elements or is_empty else verdict


def _verdict_of_rule(record: Record, task: Task, map_index: int) -> Verdict:
    def ends(others: Iterable[int]) -> UpstreamCounts:
        return record.ends(task, map_index, others)

    setups = ends(p for p in task.upstream if record.dag.tasks[p].is_setup)
    verdict = early(task.trigger_rule, ends(task.upstream), map_index=map_index, setups=setups)
    if task.is_teardown:
        is_early = verdict is Verdict.RUN and ends(structure.scope(record.dag, task)).remaining
        return Verdict.WAIT if is_early else verdict
    needed = ends(structure.indirect_setups(record.dag, task))
    if needed.bad or verdict is Verdict.UPSTREAM_FAIL:
        return Verdict.UPSTREAM_FAIL
    if needed.remaining or verdict is Verdict.WAIT:
        return Verdict.WAIT
    return Verdict.SKIP if needed.skipped else verdict


def waits_for_past(dag: Dag, task: Task, verdict: Verdict, past: States | None) -> bool:
    """Whether a verdict does not take effect because tasks of the run before have not ended well."""
    asked = (task.position, *(task.downstream if task.wait_for_downstream else ()))
    good = {TaskInstanceState.SUCCESS, TaskInstanceState.SKIPPED, TaskInstanceState.REMOVED}
    is_bad = past is not None and any(past[key] not in good for key in past if key[0] in asked)
    skips_late = verdict is Verdict.SKIP and task.wait_for_past_depends_before_skipping
    return task.depends_on_past and is_bad and (verdict is Verdict.RUN or skips_late)


def has_failure(dag: Dag, states: States) -> bool:
    """Whether a task failed, and not only a teardown that does not count."""
    failed = (dag.tasks[p] for (p, _), state in states.items() if state is TaskInstanceState.FAILED)
    return any(not task.is_teardown or task.on_failure_fail_dagrun for task in failed)

"""The reference interpreter: how a run must end, from the Dag and the ends of its tries alone.

It knows nothing of time, batches, processes or databases, and is short enough to be believed. Where
the scheduler and this page disagree, one of them is wrong (invariant I13).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from graphlib import TopologicalSorter

import attrs

from flowcore.domain.dags import Dag, Task
from flowcore.domain.skips import SkipReach
from flowcore.domain.states import FINISHED, DagRunState, TaskInstanceState
from flowcore.domain.task_mapping import elements, sources_of
from flowcore.domain.trigger_rules import UpstreamCounts, Verdict, decide, final_verdict
from flowcore.domain.workloads import NO_EFFECTS, TryEffects, TryOutcome
from flowcore.testing.scripts import Script

#: A task instance: position and map index.
Key = tuple[int, int]
#: None: not decided.
States = Mapping[Key, TaskInstanceState | None]
#: How a task instance ended that ran, and what it says about others.
End = tuple[TaskInstanceState, TryEffects]


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
            if _are_together(task, self.dag.tasks[position]):
                of_task = [key for key in of_task if key[1] == map_index] or [(position, -1)]
            keys += of_task
        return count_ends(keys, self.states)

    def is_told_to_skip(self, task: Task, map_index: int) -> bool:
        """Whether somebody said that an instance be skipped; those mapped with it mean their own index."""
        return any(
            task.task_id in effects.skips
            for (position, index), effects in self.said.items()
            if index == map_index or not _are_together(task, self.dag.tasks[position])
        )

    def sources(self, task: Task) -> UpstreamCounts:
        """How those ended that a task is mapped over: one that said no length is as one that failed."""
        ends = {(position, -1): self._end_as_source(position) for position in _sources_of(self.dag, task)}
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


@attrs.frozen
class ExpectedRun:
    """The final states (None: can never be decided, or waits for the run before) and the run's."""

    states: States
    run_state: DagRunState


def expect_run(
    dag: Dag, script: Script, *, past: States | None = None, stopped: Collection[Key] = ()
) -> ExpectedRun:
    """Interpret a Dag whose tries end as the script says."""
    return interpret(
        dag, lambda task, map_index: scripted_end(task, map_index, script), past=past, stopped=stopped
    )


def interpret(
    dag: Dag,
    end_of: Callable[[Task, int], End],
    *,
    past: States | None = None,
    stopped: Collection[Key] = (),
) -> ExpectedRun:
    """Interpret a Dag whose task instances, if they run, end as `end_of` says.

    `past` are the states of the run before, `stopped` what was skipped because another task failed.
    """
    states: dict[Key, TaskInstanceState | None] = {}
    said: dict[Key, TryEffects] = {}
    is_held = False
    edges = {task.position: {*task.upstream, *_sources_of(dag, task)} for task in dag.tasks}
    for position in TopologicalSorter(edges).static_order():
        task, record = dag.tasks[position], Record(dag, dict(states), dict(said))
        length = None if (position, -1) in stopped else record.length(task)
        for key in [(position, index) for index in range(length or 0)] or [(position, -1)]:
            verdict = verdict_of(record, task, key[1])
            if key in stopped:
                verdict = Verdict.SKIP
            elif waits_for_past(dag, task, verdict, past):
                is_held, verdict = True, Verdict.WAIT
            match verdict:
                case Verdict.RUN:
                    states[key], effects = end_of(task, key[1])
                    if states[key] is TaskInstanceState.SUCCESS:
                        said[key] = effects
                case Verdict.SKIP:
                    states[key] = TaskInstanceState.SKIPPED
                case Verdict.UPSTREAM_FAIL:
                    states[key] = TaskInstanceState.UPSTREAM_FAILED
                case Verdict.REMOVE:
                    states[key] = TaskInstanceState.REMOVED
                case Verdict.NEVER | Verdict.WAIT:
                    states[key] = None
    return ExpectedRun(states, DagRunState.RUNNING if is_held else _run_state(dag, states))


def stopped_in(dag: Dag, states: States) -> frozenset[Key]:
    """What was skipped because the Dag is `fail_fast` and a task failed: all that had not ended by then.

    Which task instances these are depends on time; everything else follows from them.
    """
    if not (dag.fail_fast and has_failure(dag, states)):
        return frozenset()
    skipped = (key for key, state in states.items() if state is TaskInstanceState.SKIPPED)
    return frozenset(key for key in skipped if not dag.tasks[key[0]].is_teardown)


def scripted_end(task: Task, map_index: int, script: Script) -> End:
    """How a task instance ends that runs: its first try that does not fail decides, or its last one."""
    for try_number in range(1, task.retries + 2):
        end = script.end_of(task.task_id, try_number, map_index)
        match end.outcome:
            case TryOutcome.SUCCESS:
                return TaskInstanceState.SUCCESS, end.effects
            case TryOutcome.SKIPPED:
                return TaskInstanceState.SKIPPED, NO_EFFECTS
            case TryOutcome.FAILED_FOR_GOOD:
                break
            case TryOutcome.FAILED | TryOutcome.GIVEN_BACK | TryOutcome.RESCHEDULED:
                continue
    return TaskInstanceState.FAILED, NO_EFFECTS


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
    if record.ends(task, map_index, _those_that_may_skip(record.dag, task)).remaining:
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

    counts = ends(task.upstream)
    setups = ends(p for p in task.upstream if record.dag.tasks[p].is_setup)
    rule = decide if counts.remaining else final_verdict
    verdict = rule(task.trigger_rule, counts, map_index=map_index, setups=setups)
    if task.is_teardown:
        is_early = verdict is Verdict.RUN and ends(_scope(record.dag, task)).remaining
        return Verdict.WAIT if is_early else verdict
    needed = ends(_indirect_setups(record.dag, task))
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


def _are_together(one: Task, other: Task) -> bool:
    """Whether tasks are mapped together: each instance then sees the other's with its own index only."""
    return one.mapping is not None and one.mapping == other.mapping


def _sources_of(dag: Dag, task: Task) -> set[int]:
    return set() if task.mapping is None else set(sources_of(dag.mappings[task.mapping]))


def _those_that_may_skip(dag: Dag, task: Task) -> set[int]:
    """Branches right before a task, and whatever may skip all that follows; nothing skips a teardown."""
    before = {p: dag.tasks[p].may_skip for p in _reach(dag, task, lambda other: other.upstream)}
    direct = {p for p in task.upstream if before[p] is not SkipReach.NOTHING}
    return set() if task.is_teardown else direct | {p for p in before if before[p] is SkipReach.ALL}


def _indirect_setups(dag: Dag, task: Task) -> set[int]:
    """The setups further up, but for those whose teardowns are all past."""
    after = _reach(dag, task, lambda other: other.downstream)
    setups = [dag.tasks[p] for p in _reach(dag, task, lambda other: other.upstream) if dag.tasks[p].is_setup]
    concerned = {
        setup.position
        for setup in setups
        if not (teardowns := {p for p in setup.downstream if dag.tasks[p].is_teardown}) or teardowns & after
    }
    return concerned - set(task.upstream)


def _scope(dag: Dag, teardown: Task) -> set[int]:
    """What lies between a teardown and the setups right before it."""
    setups = [dag.tasks[p] for p in teardown.upstream if dag.tasks[p].is_setup]
    after = set[int]().union(*(_reach(dag, setup, lambda other: other.downstream) for setup in setups))
    return after & _reach(dag, teardown, lambda other: other.upstream)


def _reach(dag: Dag, task: Task, neighbours: Callable[[Task], Iterable[int]]) -> set[int]:
    direct = set(neighbours(task))
    return direct.union(*(_reach(dag, dag.tasks[position], neighbours) for position in direct))


def has_failure(dag: Dag, states: States) -> bool:
    """Whether a task failed, and not only a teardown that does not count."""
    failed = (dag.tasks[p] for (p, _), state in states.items() if state is TaskInstanceState.FAILED)
    return any(not task.is_teardown or task.on_failure_fail_dagrun for task in failed)


def _run_state(dag: Dag, states: States) -> DagRunState:
    bad = {TaskInstanceState.FAILED, TaskInstanceState.UPSTREAM_FAILED}
    is_stuck = None in states.values()
    has_failed = any(state in bad for (position, _), state in states.items() if position in dag.leaves)
    has_failed_fast = dag.fail_fast and has_failure(dag, states)
    return DagRunState.FAILED if is_stuck or has_failed or has_failed_fast else DagRunState.SUCCESS

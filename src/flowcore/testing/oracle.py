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
from flowcore.domain.states import DagRunState, TaskInstanceState
from flowcore.domain.trigger_rules import UpstreamCounts, Verdict, decide, final_verdict
from flowcore.domain.workloads import NO_EFFECTS, TryEffects, TryOutcome
from flowcore.testing.scripts import Script

#: By position and map index; None: not decided.
States = Mapping[tuple[int, int], TaskInstanceState | None]
#: How a task ended that ran, and what it says about others.
End = tuple[TaskInstanceState, TryEffects]


@attrs.frozen
class ExpectedRun:
    """The final states (None: can never be decided, or waits for the run before) and the run's."""

    states: States
    run_state: DagRunState


def expect_run(
    dag: Dag, script: Script, *, past: States | None = None, stopped: Collection[int] = ()
) -> ExpectedRun:
    """Interpret a Dag whose tries end as the script says."""
    return interpret(dag, lambda task: scripted_end(task, script), past=past, stopped=stopped)


def interpret(
    dag: Dag, end_of: Callable[[Task], End], *, past: States | None = None, stopped: Collection[int] = ()
) -> ExpectedRun:
    """Interpret a Dag whose tasks, if they run, end as `end_of` says.

    `past` are the states of the run before, `stopped` what was skipped because another task failed.
    """
    states: dict[tuple[int, int], TaskInstanceState | None] = {}
    told_to_skip: set[str] = set()
    is_held = False
    edges = {task.position: task.upstream for task in dag.tasks}
    for position in TopologicalSorter(edges).static_order():
        task = dag.tasks[position]
        verdict = verdict_of(dag, task, states, told_to_skip)
        if position in stopped:
            verdict = Verdict.SKIP
        elif waits_for_past(dag, task, verdict, past):
            is_held, verdict = True, Verdict.WAIT
        match verdict:
            case Verdict.RUN:
                states[position, -1], effects = end_of(task)
                told_to_skip.update(effects.skips)
            case Verdict.SKIP:
                states[position, -1] = TaskInstanceState.SKIPPED
            case Verdict.UPSTREAM_FAIL:
                states[position, -1] = TaskInstanceState.UPSTREAM_FAILED
            case Verdict.REMOVE:
                states[position, -1] = TaskInstanceState.REMOVED
            case Verdict.NEVER | Verdict.WAIT:
                states[position, -1] = None
    return ExpectedRun(states, DagRunState.RUNNING if is_held else _run_state(dag, states))


def stopped_in(dag: Dag, states: States) -> frozenset[int]:
    """What was skipped because the Dag is `fail_fast` and a task failed: all that had not ended by then.

    Which tasks these are depends on time; everything else follows from them.
    """
    if not (dag.fail_fast and has_failure(dag, states)):
        return frozenset()
    skipped = (position for (position, _), state in states.items() if state is TaskInstanceState.SKIPPED)
    return frozenset(position for position in skipped if not dag.tasks[position].is_teardown)


def scripted_end(task: Task, script: Script) -> End:
    """How a task ends that runs: its first try that does not fail decides, or its last one."""
    for try_number in range(1, task.retries + 2):
        end = script.end_of(task.task_id, try_number)
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


def count_ends(positions: Iterable[int], states: States) -> UpstreamCounts:
    """How these tasks ended; those without a state or still at work are not done."""
    wanted = frozenset(positions)
    ended = Counter(state for (position, _), state in states.items() if position in wanted)
    return UpstreamCounts(
        len(wanted),
        success=ended[TaskInstanceState.SUCCESS],
        failed=ended[TaskInstanceState.FAILED],
        skipped=ended[TaskInstanceState.SKIPPED],
        upstream_failed=ended[TaskInstanceState.UPSTREAM_FAILED],
        removed=ended[TaskInstanceState.REMOVED],
    )


def verdict_of(dag: Dag, task: Task, states: States, told_to_skip: Collection[str]) -> Verdict:
    """What becomes of a task when all before it have ended so; WAIT as long as what is open may matter.

    `told_to_skip` are the tasks that others said be skipped.
    """
    if count_ends(_those_that_may_skip(dag, task), states).remaining:
        return Verdict.WAIT
    if task.task_id in told_to_skip:
        return Verdict.SKIP
    counts = count_ends(task.upstream, states)
    setups = count_ends((p for p in task.upstream if dag.tasks[p].is_setup), states)
    rule = decide if counts.remaining else final_verdict
    verdict = rule(task.trigger_rule, counts, setups=setups)
    if task.is_teardown:
        is_early = verdict is Verdict.RUN and count_ends(_scope(dag, task), states).remaining
        return Verdict.WAIT if is_early else verdict
    needed = count_ends(_indirect_setups(dag, task), states)
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
    has_failed = any(states[position, -1] in bad for position in dag.leaves)
    has_failed_fast = dag.fail_fast and has_failure(dag, states)
    return DagRunState.FAILED if is_stuck or has_failed or has_failed_fast else DagRunState.SUCCESS

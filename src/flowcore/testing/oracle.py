"""The reference interpreter: how a run must end, from the Dag and the ends of its tries alone.

It knows nothing of time, batches, processes or databases, and is short enough to be believed. Where
the scheduler and this page disagree, one of them is wrong (invariant I13).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from graphlib import TopologicalSorter

import attrs

from flowcore.domain.dags import Dag, Task
from flowcore.domain.states import DagRunState, TaskInstanceState
from flowcore.domain.trigger_rules import UpstreamCounts, Verdict, decide, final_verdict
from flowcore.domain.workloads import TryOutcome
from flowcore.testing.scripts import Script

States = Mapping[int, TaskInstanceState | None]


@attrs.frozen
class ExpectedRun:
    """The final states by position (None: can never be decided) and the run's."""

    states: States
    run_state: DagRunState


def expect_run(dag: Dag, script: Script) -> ExpectedRun:
    """Interpret a Dag whose tries end as the script says."""
    return interpret(dag, lambda task: scripted_state(task, script))


def interpret(dag: Dag, state_of: Callable[[Task], TaskInstanceState]) -> ExpectedRun:
    """Interpret a Dag whose tasks, if they run, end in the states that `state_of` gives."""
    states: dict[int, TaskInstanceState | None] = {}
    edges = {task.position: task.upstream for task in dag.tasks}
    for position in TopologicalSorter(edges).static_order():
        task = dag.tasks[position]
        match _verdict(task, states):
            case Verdict.RUN:
                states[position] = state_of(task)
            case Verdict.SKIP:
                states[position] = TaskInstanceState.SKIPPED
            case Verdict.UPSTREAM_FAIL:
                states[position] = TaskInstanceState.UPSTREAM_FAILED
            case Verdict.REMOVE:
                states[position] = TaskInstanceState.REMOVED
            case Verdict.NEVER | Verdict.WAIT:
                states[position] = None
    return ExpectedRun(states, _run_state(dag, states))


def scripted_state(task: Task, script: Script) -> TaskInstanceState:
    """How a task ends that runs: its first try that does not fail decides, or its last one."""
    for try_number in range(1, task.retries + 2):
        match script.end_of(task.task_id, try_number).outcome:
            case TryOutcome.SUCCESS:
                return TaskInstanceState.SUCCESS
            case TryOutcome.SKIPPED:
                return TaskInstanceState.SKIPPED
            case TryOutcome.FAILED_FOR_GOOD:
                return TaskInstanceState.FAILED
            case TryOutcome.FAILED | TryOutcome.GIVEN_BACK:
                continue
    return TaskInstanceState.FAILED


def counts_of(task: Task, states: States) -> UpstreamCounts:
    """How the direct upstreams of a task ended; those without a state or still at work are not done."""
    ended = Counter(states.get(position) for position in task.upstream)
    return UpstreamCounts(
        len(task.upstream),
        success=ended[TaskInstanceState.SUCCESS],
        failed=ended[TaskInstanceState.FAILED],
        skipped=ended[TaskInstanceState.SKIPPED],
        upstream_failed=ended[TaskInstanceState.UPSTREAM_FAILED],
        removed=ended[TaskInstanceState.REMOVED],
    )


def _verdict(task: Task, states: States) -> Verdict:
    counts = counts_of(task, states)
    # Only below a task that can never be decided are the counts not complete.
    return decide(task.trigger_rule, counts) if counts.remaining else final_verdict(task.trigger_rule, counts)


def _run_state(dag: Dag, states: States) -> DagRunState:
    bad = {TaskInstanceState.FAILED, TaskInstanceState.UPSTREAM_FAILED}
    is_stuck = None in states.values()
    is_failed = is_stuck or any(states[position] in bad for position in dag.leaves)
    return DagRunState.FAILED if is_failed else DagRunState.SUCCESS

"""How a whole run ends: each task instance in turn, after all that it looks at."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from graphlib import TopologicalSorter

import attrs

from flowcore.domain.dags import Dag, Task
from flowcore.domain.states import DagRunState, TaskInstanceState
from flowcore.domain.verdicts import Verdict
from flowcore.domain.workloads import NO_EFFECTS, TryEffects, TryOutcome
from flowcore.testing.oracle import structure
from flowcore.testing.oracle.verdicts import Key, Record, States, has_failure, verdict_of, waits_for_past
from flowcore.testing.scripts import Script

#: How a task instance ended that ran, and what it says about others.
End = tuple[TaskInstanceState | None, TryEffects]

_STATE_OF = {
    Verdict.SKIP: TaskInstanceState.SKIPPED,
    Verdict.UPSTREAM_FAIL: TaskInstanceState.UPSTREAM_FAILED,
    Verdict.REMOVE: TaskInstanceState.REMOVED,
    Verdict.NEVER: None,
    Verdict.WAIT: None,
}


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
    begun: Mapping[Key, End] | None = None,
) -> ExpectedRun:
    """Interpret a Dag whose task instances, if they run, end as `end_of` says.

    `past` are the states of the run before, `stopped` what was skipped because another task failed or the
    time was up. A run that goes on after a change by hand has `begun` with these ends: what has a state
    keeps it.
    """
    states: dict[Key, TaskInstanceState | None] = {}
    said: dict[Key, TryEffects] = {}
    is_held = False
    edges = {task.position: {*task.upstream, *structure.sources(dag, task)} for task in dag.tasks}
    for position in TopologicalSorter(edges).static_order():
        task, record, kept = dag.tasks[position], Record(dag, dict(states), dict(said)), begun or {}
        length = None if (position, -1) in stopped else record.length(task)
        for key in _instances(position, length, kept):
            verdict = verdict_of(record, task, key[1])
            if key in kept and kept[key][0] is not None:
                states[key], said[key] = kept[key]
            elif key in stopped:
                states[key] = TaskInstanceState.SKIPPED
            elif waits_for_past(dag, task, verdict, past):
                is_held, states[key] = True, None
            elif verdict is Verdict.RUN:
                states[key], said[key] = end_of(task, key[1])
            else:
                states[key] = _STATE_OF[verdict]
            if states[key] is not TaskInstanceState.SUCCESS:
                said.pop(key, None)
    return ExpectedRun(states, DagRunState.RUNNING if is_held else _run_state(dag, states))


def stopped_in(dag: Dag, states: States, *, timed_out: bool = False) -> frozenset[Key]:
    """What was skipped because the run `timed_out`, or the Dag is `fail_fast` and a task failed.

    That is all that had not ended by then, and of a run that goes on no teardown. Which task instances these
    are depends on time; everything else follows from them.
    """
    if not (timed_out or (dag.fail_fast and has_failure(dag, states))):
        return frozenset()
    skipped = (key for key, state in states.items() if state is TaskInstanceState.SKIPPED)
    return frozenset(key for key in skipped if timed_out or not dag.tasks[key[0]].is_teardown)


def scripted_end(task: Task, map_index: int, script: Script, *, first_try: int = 1) -> End:
    """How a task instance ends that runs: its first try that does not fail decides, or its last one."""
    for try_number in range(first_try, first_try + task.retries + 1):
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


def _instances(position: int, length: int | None, kept: Mapping[Key, End]) -> Iterable[Key]:
    """Those that a task had, and unless these have all ended as many as there are elements."""
    had = sorted(key for key in kept if key[0] == position)
    if had and (length is None or all(kept[key][0] is not None for key in had)):
        return had
    by_length = [(position, index) for index in range(length or 0)] or [(position, -1)]
    return by_length if not had else sorted({*had, *by_length} - _unexpanded(position, length))


def _unexpanded(position: int, length: int | None) -> set[Key]:
    """The row without an index, which becomes the first of those that have one."""
    return {(position, -1)} if length else set()


def _run_state(dag: Dag, states: States) -> DagRunState:
    bad = {TaskInstanceState.FAILED, TaskInstanceState.UPSTREAM_FAILED}
    is_stuck = None in states.values()
    has_failed = any(state in bad for (p, _), state in states.items() if p in structure.leaves(dag))
    has_failed_fast = dag.fail_fast and has_failure(dag, states)
    return DagRunState.FAILED if is_stuck or has_failed or has_failed_fast else DagRunState.SUCCESS

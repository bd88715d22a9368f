from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowcore.domain.dags import Dag
from flowcore.domain.states import FINISHED, DagRunState, TaskInstanceState
from flowcore.domain.trigger_rules import TriggerRule
from flowcore.scheduler.decisions.run_progress import RunProgress
from tests.support.scheduling import chain, make_dag

SUCCESS, FAILED, SKIPPED = TaskInstanceState.SUCCESS, TaskInstanceState.FAILED, TaskInstanceState.SKIPPED
SCHEDULED, UPSTREAM_FAILED = TaskInstanceState.SCHEDULED, TaskInstanceState.UPSTREAM_FAILED
REMOVED = TaskInstanceState.REMOVED

DIAMOND = make_dag({"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]})


def begun(dag: Dag) -> RunProgress:
    progress = RunProgress(dag)
    progress.settle_all()
    return progress


def end_of(dag: Dag, states: Mapping[str, TaskInstanceState | None]) -> tuple[DagRunState | None, str | None]:
    by_position = ((dag.position_of[task], state) for task, state in states.items())
    changes = RunProgress.of(dag, by_position, revision=0).settle_all()
    return changes.run_state, changes.reason


def test_a_run_begins_with_its_roots() -> None:
    assert RunProgress(DIAMOND).settle_all().states == {0: SCHEDULED}


def test_a_finished_task_schedules_its_direct_downstream() -> None:
    changes = begun(DIAMOND).settle([(0, SUCCESS)])
    assert changes.states == {1: SCHEDULED, 2: SCHEDULED}
    assert changes.run_state is None


def test_a_join_waits_for_the_last_of_its_upstreams() -> None:
    progress = begun(DIAMOND)
    progress.settle([(0, SUCCESS)])
    assert progress.settle([(1, SUCCESS)]).states == {}
    assert progress.settle([(2, SUCCESS)]).states == {3: SCHEDULED}


def test_a_failure_fails_everything_after_it_and_the_run_at_once() -> None:
    changes = begun(chain(4)).settle([(0, FAILED)])
    assert changes.states == {1: UPSTREAM_FAILED, 2: UPSTREAM_FAILED, 3: UPSTREAM_FAILED}
    assert (changes.run_state, changes.reason) == (DagRunState.FAILED, "task_failure")


def test_a_skip_cascades_to_the_end_of_the_run() -> None:
    changes = begun(chain(3)).settle([(0, SKIPPED)])
    assert changes.states == {1: SKIPPED, 2: SKIPPED}
    assert changes.run_state is DagRunState.SUCCESS


def test_a_cascade_stops_at_a_task_that_runs_whatever_happened() -> None:
    dag = make_dag(
        {"a": [], "b": ["a"], "clean": ["b"]}, tasks={"clean": {"trigger_rule": TriggerRule.ALL_DONE}}
    )
    changes = begun(dag).settle([(0, FAILED)])
    assert changes.states == {1: UPSTREAM_FAILED, 2: SCHEDULED}
    assert changes.run_state is None


def test_a_run_without_tasks_ends_as_it_begins() -> None:
    assert RunProgress(Dag(dag_id="empty")).settle_all().run_state is DagRunState.SUCCESS


def test_the_same_end_said_twice_changes_nothing() -> None:
    progress = begun(DIAMOND)
    progress.settle([(0, SUCCESS), (0, SUCCESS), (1, SUCCESS), (1, SUCCESS)])
    assert progress.settle([(1, SUCCESS)]).states == {}
    assert progress.settle([(2, SUCCESS)]).states == {3: SCHEDULED}


def test_a_task_that_can_never_run_leaves_a_deadlock() -> None:
    dag = make_dag({"a": [], "b": ["a"]}, tasks={"b": {"trigger_rule": TriggerRule.ALL_SKIPPED}})
    assert end_of(dag, {"a": REMOVED, "b": None}) == (DagRunState.FAILED, "all_tasks_deadlocked")


def test_a_task_that_waits_for_its_retry_is_no_deadlock() -> None:
    assert end_of(chain(2), {"t0": TaskInstanceState.UP_FOR_RETRY, "t1": None}) == (None, None)


AB = make_dag({"a": [], "b": ["a"]})
FORK = make_dag({"a": [], "b": ["a"], "c": ["a"]})
ALL_DONE = make_dag({"a": [], "b": ["a"]}, tasks={"b": {"trigger_rule": TriggerRule.ALL_DONE}})


@pytest.mark.parametrize(
    ("dag", "states", "expected"),
    [
        pytest.param(AB, {"a": SUCCESS, "b": FAILED}, DagRunState.FAILED, id="last task failed"),
        pytest.param(FORK, {"a": SUCCESS, "b": FAILED, "c": SUCCESS}, DagRunState.FAILED, id="any leaf"),
        pytest.param(ALL_DONE, {"a": FAILED, "b": SUCCESS}, DagRunState.SUCCESS, id="only leaves count"),
        pytest.param(FORK, {"a": SUCCESS, "b": SKIPPED, "c": SKIPPED}, DagRunState.SUCCESS, id="all skipped"),
        pytest.param(
            FORK, {"a": SUCCESS, "b": REMOVED, "c": SUCCESS}, DagRunState.SUCCESS, id="removed leaf"
        ),
        pytest.param(
            FORK, {"a": SUCCESS, "b": UPSTREAM_FAILED, "c": SUCCESS}, DagRunState.FAILED, id="upstream failed"
        ),
    ],
)
def test_the_leaves_decide_how_a_run_ends(
    dag: Dag, states: Mapping[str, TaskInstanceState | None], expected: DagRunState
) -> None:
    assert end_of(dag, states)[0] is expected


@st.composite
def dags(draw: st.DrawFn) -> Dag:
    size = draw(st.integers(1, 7))
    names = [f"t{n}" for n in range(size)]
    upstream = {
        name: draw(st.lists(st.sampled_from(names[:n]), unique=True)) if n else []
        for n, name in enumerate(names)
    }
    rules = {name: {"trigger_rule": draw(st.sampled_from(TriggerRule))} for name in names}
    return make_dag(upstream, tasks=rules)


def play(dag: Dag, outcomes: list[TaskInstanceState], data: st.DataObject, *, rebuilds: bool) -> object:
    """End what is scheduled in drawn batches; the final states and the end of the run."""
    states: dict[int, TaskInstanceState | None] = dict.fromkeys(range(len(dag.tasks)))
    progress = RunProgress(dag)
    changes = progress.settle_all()
    while True:
        states.update(changes.states)
        running = [position for position, state in states.items() if state is SCHEDULED]
        if changes.run_state or not running:
            return states, changes.run_state, changes.reason
        batch = data.draw(st.lists(st.sampled_from(running), min_size=1, unique=True), label="batch")
        ended = [(position, outcomes[position]) for position in batch]
        states.update(ended)
        if rebuilds:
            progress = RunProgress.of(dag, states.items(), revision=0)
            changes = progress.settle_all()
        else:
            changes = progress.settle(_with_repetitions(ended))


def _with_repetitions(
    ended: Iterable[tuple[int, TaskInstanceState]],
) -> Iterable[tuple[int, TaskInstanceState]]:
    return [end for end in ended for _ in range(2)]


OUTCOMES = st.lists(st.sampled_from([SUCCESS, FAILED, SKIPPED]), min_size=7, max_size=7)


@given(dags(), OUTCOMES, st.data())
def test_final_states_do_not_depend_on_order_batches_or_memory(
    dag: Dag, outcomes: list[TaskInstanceState], data: st.DataObject
) -> None:
    remembered = play(dag, outcomes, data, rebuilds=False)
    assert remembered == play(dag, outcomes, data, rebuilds=False)
    assert remembered == play(dag, outcomes, data, rebuilds=True)


@given(dags(), OUTCOMES, st.data())
def test_every_run_ends_and_leaves_nothing_undecided_but_in_a_deadlock(
    dag: Dag, outcomes: list[TaskInstanceState], data: st.DataObject
) -> None:
    states, run_state, reason = play(dag, outcomes, data, rebuilds=False)  # type: ignore[misc]
    assert run_state is not None
    assert (reason == "all_tasks_deadlocked") == any(state not in FINISHED for state in states.values())

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowcore.domain.dags import Dag
from flowcore.domain.skips import SkipReach
from flowcore.domain.states import FINISHED, DagRunState, TaskInstanceState
from flowcore.domain.trigger_rules import TriggerRule
from flowcore.domain.workloads import TryEffects
from flowcore.scheduler.decisions.run_changes import Instance, Key, RunChanges
from flowcore.scheduler.decisions.run_progress import RunProgress
from tests.support.scheduling import chain, make_dag

SUCCESS, FAILED, SKIPPED = TaskInstanceState.SUCCESS, TaskInstanceState.FAILED, TaskInstanceState.SKIPPED
SCHEDULED, UPSTREAM_FAILED = TaskInstanceState.SCHEDULED, TaskInstanceState.UPSTREAM_FAILED
REMOVED = TaskInstanceState.REMOVED

DIAMOND = make_dag({"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]})


@attrs.define
class Run:
    """A run under way, whose tasks are called by their names."""

    dag: Dag
    progress: RunProgress = attrs.field(init=False)
    begun: RunChanges = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.progress = RunProgress(self.dag)
        self.begun = self.progress.settle_all()

    def settle(self, **ends: TaskInstanceState) -> dict[str, TaskInstanceState]:
        """What follows when these tasks end so."""
        return self.named(self.progress.settle(self.instances(ends)))

    def settle_one(self, task: str, *, skips: Iterable[str] = ()) -> dict[str, TaskInstanceState]:
        """What follows when a task succeeds and says that others be skipped."""
        instance = Instance(self.dag.position_of[task], -1, SUCCESS, TryEffects(tuple(skips)))
        return self.named(self.progress.settle([instance]))

    def instances(self, states: Mapping[str, TaskInstanceState | None]) -> list[Instance]:
        return [Instance(self.dag.position_of[task], -1, state) for task, state in states.items()]

    def named(self, changes: RunChanges) -> dict[str, TaskInstanceState]:
        return {self.dag.tasks[position].task_id: state for (position, _), state in changes.states.items()}


def end_of(dag: Dag, states: Mapping[str, TaskInstanceState | None]) -> tuple[DagRunState | None, str | None]:
    changes = RunProgress.of(dag, Run(dag).instances(states), revision=0).settle_all()
    return changes.run_state, changes.reason


def test_a_run_begins_with_its_roots() -> None:
    run = Run(DIAMOND)
    assert run.named(run.begun) == {"a": SCHEDULED}


def test_a_finished_task_schedules_its_direct_downstream() -> None:
    assert Run(DIAMOND).settle(a=SUCCESS) == {"b": SCHEDULED, "c": SCHEDULED}


def test_a_join_waits_for_the_last_of_its_upstreams() -> None:
    run = Run(DIAMOND)
    run.settle(a=SUCCESS)
    assert run.settle(b=SUCCESS) == {}
    assert run.settle(c=SUCCESS) == {"d": SCHEDULED}


def test_a_failure_fails_everything_after_it_and_the_run_at_once() -> None:
    changes = Run(chain(3)).progress.settle([Instance(0, -1, FAILED)])
    assert changes.states == {(1, -1): UPSTREAM_FAILED, (2, -1): UPSTREAM_FAILED}
    assert (changes.run_state, changes.reason) == (DagRunState.FAILED, "task_failure")


def test_a_skip_cascades_to_the_end_of_the_run() -> None:
    changes = Run(chain(3)).progress.settle([Instance(0, -1, SKIPPED)])
    assert changes.states == {(1, -1): SKIPPED, (2, -1): SKIPPED}
    assert changes.run_state is DagRunState.SUCCESS


def test_a_cascade_stops_at_a_task_that_runs_whatever_happened() -> None:
    dag = make_dag(
        {"a": [], "b": ["a"], "clean": ["b"]}, tasks={"clean": {"trigger_rule": TriggerRule.ALL_DONE}}
    )
    assert Run(dag).settle(a=FAILED) == {"b": UPSTREAM_FAILED, "clean": SCHEDULED}


def test_a_run_without_tasks_ends_as_it_begins() -> None:
    assert Run(Dag(dag_id="empty")).begun.run_state is DagRunState.SUCCESS


def test_the_same_end_said_twice_changes_nothing() -> None:
    run = Run(DIAMOND)
    for _ in range(2):
        run.settle(a=SUCCESS)
        run.settle(b=SUCCESS)
    assert run.settle(c=SUCCESS) == {"d": SCHEDULED}


SETUP, TEARDOWN = (
    {"is_setup": True},
    {"is_teardown": True, "trigger_rule": TriggerRule.ALL_DONE_SETUP_SUCCESS},
)
#: s is a setup, t its teardown, a and b the work in between.
SCOPED = make_dag({"s": [], "a": ["s"], "b": ["a"], "t": ["s", "b"]}, tasks={"s": SETUP, "t": TEARDOWN})


def test_work_waits_for_a_setup_further_up() -> None:
    loosely = {"b": {"trigger_rule": TriggerRule.ALL_DONE}}
    dag = make_dag({"s": [], "a": ["s"], "x": [], "b": ["a", "x"]}, tasks={"s": SETUP, **loosely})
    run = Run(dag)
    run.settle(x=SUCCESS)
    assert run.settle(s=FAILED) == {"a": UPSTREAM_FAILED, "b": UPSTREAM_FAILED}


def test_a_setup_that_is_skipped_skips_the_work_and_its_teardown() -> None:
    assert Run(SCOPED).settle(s=SKIPPED) == {"a": SKIPPED, "b": SKIPPED, "t": SKIPPED}


def test_a_teardown_runs_though_the_work_failed() -> None:
    run = Run(SCOPED)
    run.settle(s=SUCCESS)
    assert run.settle(a=FAILED) == {"b": UPSTREAM_FAILED, "t": SCHEDULED}


def test_a_teardown_does_not_run_when_its_setup_failed() -> None:
    assert Run(SCOPED).settle(s=FAILED) == {"a": UPSTREAM_FAILED, "b": UPSTREAM_FAILED, "t": UPSTREAM_FAILED}


def test_a_teardown_waits_for_all_work_since_its_setup() -> None:
    early = {"b": {"trigger_rule": TriggerRule.ONE_SUCCESS}}
    dag = make_dag(
        {"s": [], "a": ["s"], "x": ["s"], "b": ["a", "x"], "t": ["s", "b"]},
        tasks={"s": SETUP, "t": TEARDOWN, **early},
    )
    run = Run(dag)
    run.settle(s=SUCCESS)
    run.settle(a=SUCCESS)
    assert run.settle(b=SUCCESS) == {}
    assert run.settle(x=FAILED) == {"t": SCHEDULED}


def test_a_setup_does_not_concern_what_comes_after_its_teardown() -> None:
    after = {"after": {"trigger_rule": TriggerRule.ALL_DONE}}
    upstream = {"s": [], "a": ["s"], "t": ["s", "a"], "after": ["t"]}
    run = Run(make_dag(upstream, tasks={"s": SETUP, "t": TEARDOWN, **after}))
    assert run.settle(s=FAILED) == {"a": UPSTREAM_FAILED, "t": UPSTREAM_FAILED, "after": SCHEDULED}


def test_a_task_that_can_never_run_leaves_a_deadlock() -> None:
    dag = make_dag({"a": [], "b": ["a"]}, tasks={"b": {"trigger_rule": TriggerRule.ALL_SKIPPED}})
    assert end_of(dag, {"a": REMOVED, "b": None}) == (DagRunState.FAILED, "all_tasks_deadlocked")


def test_a_task_that_waits_for_its_retry_is_no_deadlock() -> None:
    assert end_of(chain(2), {"t0": TaskInstanceState.UP_FOR_RETRY, "t1": None}) == (None, None)


#: b branches off to c and d, which have an upstream besides; e joins them.
BRANCH = make_dag(
    {"a": [], "b": [], "c": ["a", "b"], "d": ["a", "b"], "e": ["b", "c", "d"]},
    tasks={
        "b": {"may_skip": SkipReach.DIRECT},
        "c": {"trigger_rule": TriggerRule.ONE_DONE},
        "e": {"trigger_rule": TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS},
    },
)


def test_what_a_branch_does_not_choose_is_skipped_whatever_its_rule() -> None:
    run = Run(BRANCH)
    assert run.settle(a=SUCCESS) == {}
    assert run.settle_one("b", skips=["c"]) == {"c": SKIPPED, "d": SCHEDULED}
    assert run.settle(d=SUCCESS) == {"e": SCHEDULED}


def test_a_skip_counts_more_than_a_failure_beside_it() -> None:
    run = Run(BRANCH)
    assert run.settle(a=FAILED) == {}
    assert run.settle_one("b", skips=["d"]) == {"c": SCHEDULED, "d": SKIPPED}


def test_a_branch_that_failed_has_chosen_nothing() -> None:
    run = Run(BRANCH)
    run.settle(a=SUCCESS)
    assert run.settle(b=FAILED) == {"c": SCHEDULED, "d": UPSTREAM_FAILED, "e": UPSTREAM_FAILED}


def test_a_short_circuit_skips_what_is_further_down_but_no_teardown() -> None:
    dag = make_dag(
        {"s": [], "a": ["s"], "b": ["a"], "t": ["s", "b"]},
        tasks={
            "s": SETUP,
            "a": {"may_skip": SkipReach.ALL},
            "b": {"trigger_rule": TriggerRule.ALL_DONE},
            "t": TEARDOWN,
        },
    )
    run = Run(dag)
    run.settle(s=SUCCESS)
    assert run.settle_one("a", skips=["b"]) == {"b": SKIPPED, "t": SCHEDULED}


def test_a_task_that_is_cleared_is_skipped_again() -> None:
    rows = [Instance(0, -1, SUCCESS), Instance(1, -1, SUCCESS, TryEffects(("c",)))]
    progress = RunProgress.of(BRANCH, rows, revision=0)
    assert progress.settle_all().states[2, -1] is SKIPPED


AT = make_dag({"a": [], "t": ["a"]}, tasks={"t": TEARDOWN})
AT_THAT_COUNTS = make_dag({"a": [], "t": ["a"]}, tasks={"t": {**TEARDOWN, "on_failure_fail_dagrun": True}})
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
        pytest.param(AT, {"a": FAILED, "t": SUCCESS}, DagRunState.FAILED, id="work before a teardown"),
        pytest.param(AT, {"a": SUCCESS, "t": FAILED}, DagRunState.SUCCESS, id="teardown"),
        pytest.param(
            AT_THAT_COUNTS, {"a": SUCCESS, "t": FAILED}, DagRunState.FAILED, id="teardown that counts"
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
    states: dict[Key, TaskInstanceState | None] = {(task.position, -1): None for task in dag.tasks}
    progress = RunProgress(dag)
    changes = progress.settle_all()
    while True:
        states.update(changes.states)
        running = [key for key, state in states.items() if state is SCHEDULED]
        if changes.run_state or not running:
            return states, changes.run_state, changes.reason
        batch = data.draw(st.lists(st.sampled_from(running), min_size=1, unique=True), label="batch")
        ended = [(key, outcomes[key[0]]) for key in batch]
        states.update(ended)
        if rebuilds:
            rows = [Instance(*key, state) for key, state in states.items()]
            progress = RunProgress.of(dag, rows, revision=0)
            changes = progress.settle_all()
        else:
            changes = progress.settle(Instance(*key, state) for key, state in ended for _ in range(2))


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

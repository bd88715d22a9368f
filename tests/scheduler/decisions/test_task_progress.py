"""What becomes of mapped tasks while a run is under way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowcore.domain.dags import Dag
from flowcore.domain.skips import SkipReach
from flowcore.domain.states import DagRunState, TaskInstanceState
from flowcore.domain.task_mapping import Length, LengthKind
from flowcore.domain.trigger_rules import TriggerRule
from flowcore.domain.workloads import NO_EFFECTS, TryEffects
from flowcore.scheduler.decisions.run_changes import Instance, RunChanges
from flowcore.scheduler.decisions.run_progress import RunProgress
from flowcore.scheduler.decisions.task_progress import Tally
from tests.support.scheduling import make_dag

SUCCESS, FAILED, SKIPPED = TaskInstanceState.SUCCESS, TaskInstanceState.FAILED, TaskInstanceState.SKIPPED
SCHEDULED, UPSTREAM_FAILED = TaskInstanceState.SCHEDULED, TaskInstanceState.UPSTREAM_FAILED
REMOVED = TaskInstanceState.REMOVED
OVER_FIRST = Length(LengthKind.OUTPUT, source=0)


def mapped(edges: Mapping[str, list[str]], *lengths: Length, tasks: Mapping[str, dict], **of) -> Dag:
    return attrs.evolve(make_dag(edges, tasks=tasks), mappings=lengths, **of)


#: s pushes a list, m is mapped over it, j comes after.
CHAIN = mapped({"s": [], "m": ["s"], "j": ["m"]}, OVER_FIRST, tasks={"m": {"mapping": 0}})


@attrs.define
class Run:
    """A run under way; instances are called `m`, or `m3`."""

    dag: Dag
    progress: RunProgress = attrs.field(init=False)
    begun: dict[str, TaskInstanceState] = attrs.field(init=False)
    last: RunChanges = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.progress = RunProgress(self.dag)
        self.last = self.progress.settle_all()
        self.begun = self.named()

    def rebuilt(self, states: Mapping[str, TaskInstanceState | None], length: int | None) -> Run:
        instances = [self.instance(name, state, TryEffects(length=length)) for name, state in states.items()]
        self.progress = RunProgress.of(self.dag, instances, revision=0)
        self.last = self.progress.settle_all()
        return self

    def settle(self, effects: TryEffects = NO_EFFECTS, **ends: TaskInstanceState) -> dict:
        self.last = self.progress.settle([self.instance(name, end, effects) for name, end in ends.items()])
        return self.named()

    def push(self, task: str, length: int | None) -> dict:
        return self.settle(TryEffects(length=length), **{task: SUCCESS})

    def instance(self, name: str, state, effects: TryEffects) -> Instance:
        return Instance(self.dag.position_of[name[0]], int(name[1:] or -1), state, effects)

    def named(self) -> dict[str, TaskInstanceState]:
        return {
            f"{self.dag.tasks[position].task_id}{index if index >= 0 else ''}": state
            for (position, index), state in self.last.states.items()
        }


def of_each(name: str, indexes: Iterable[int], state: TaskInstanceState) -> dict[str, TaskInstanceState]:
    return {f"{name}{index}": state for index in indexes}


def test_a_task_mapped_over_a_literal_begins_with_all_its_instances():
    dag = mapped({"m": []}, Length(LengthKind.LITERAL, 2), tasks={"m": {"mapping": 0}})
    assert Run(dag).begun == {"m0": SCHEDULED, "m1": SCHEDULED}


def test_a_mapped_task_gets_its_instances_when_its_source_has_pushed():
    run = Run(CHAIN)
    assert run.begun == {"s": SCHEDULED}
    assert run.push("s", 3) == of_each("m", range(3), SCHEDULED)
    assert run.last.expansions == {1: range(3)}


def test_what_follows_waits_for_all_instances():
    run = Run(CHAIN)
    run.push("s", 2)
    assert run.settle(m1=SUCCESS) == {}
    assert run.settle(m0=SUCCESS) == {"j": SCHEDULED}


def test_one_instance_that_fails_fails_what_follows():
    run = Run(CHAIN)
    run.push("s", 3)
    assert run.settle(m1=FAILED) == {"j": UPSTREAM_FAILED}


def test_nothing_to_map_over_skips_the_task_and_what_follows():
    run = Run(CHAIN)
    assert run.push("s", 0) == {"m": SKIPPED, "j": SKIPPED}
    assert (run.last.run_state, run.last.expansions) == (DagRunState.SUCCESS, {})


@pytest.mark.parametrize(("end", "of_mapped"), [(FAILED, UPSTREAM_FAILED), (SKIPPED, SKIPPED)])
@pytest.mark.parametrize("rule", [TriggerRule.ALL_SUCCESS, TriggerRule.ALL_DONE, TriggerRule.ONE_FAILED])
def test_a_mapped_task_cannot_run_without_its_source_whatever_its_rule(end, of_mapped, rule):
    dag = mapped({"s": [], "m": ["s"]}, OVER_FIRST, tasks={"m": {"mapping": 0, "trigger_rule": rule}})
    run = Run(dag)
    assert run.settle(s=end) == {"m": of_mapped}


def test_a_source_that_succeeded_and_pushed_nothing_is_as_bad_as_one_that_failed():
    run = Run(CHAIN)
    assert run.settle(s=SUCCESS) == {"m": UPSTREAM_FAILED, "j": UPSTREAM_FAILED}
    assert "mapped over what 's' returned, and that was nothing" in run.last.errors[1, -1]
    assert list(run.last.errors) == [(1, -1)]


def test_more_combinations_than_there_can_be_instances_fail_the_task():
    square = Length(LengthKind.PRODUCT, parts=(OVER_FIRST, OVER_FIRST))
    run = Run(mapped({"s": [], "m": ["s"]}, square, tasks={"m": {"mapping": 0}}))
    assert run.push("s", 317) == {"m": UPSTREAM_FAILED}
    assert "100,489 elements, and 100,000 instances are the most" in run.last.errors[1, -1]


def test_a_mapped_task_with_a_fast_rule_waits_for_its_source():
    rule = {"trigger_rule": TriggerRule.ONE_SUCCESS, "mapping": 0}
    run = Run(mapped({"s": [], "a": [], "m": ["s", "a"]}, OVER_FIRST, tasks={"m": rule}))
    assert run.settle(a=SUCCESS) == {}
    assert run.push("s", 2) == of_each("m", range(2), SCHEDULED)


def test_an_upstream_that_failed_fails_each_instance():
    run = Run(mapped({"s": [], "a": [], "m": ["s", "a"]}, OVER_FIRST, tasks={"m": {"mapping": 0}}))
    assert run.settle(a=FAILED) == {}
    assert run.push("s", 2) == of_each("m", range(2), UPSTREAM_FAILED)


def test_a_task_mapped_over_a_mapped_one_has_an_instance_for_each_that_pushed():
    rule = {"mapping": 1, "trigger_rule": TriggerRule.ALL_DONE}
    over = (Length(LengthKind.LITERAL, 3), OVER_FIRST)
    run = Run(mapped({"m": [], "n": ["m"]}, *over, tasks={"m": {"mapping": 0}, "n": rule}))
    run.push("m0", 1)
    run.settle(m1=FAILED)
    assert run.push("m2", 1) == of_each("n", range(2), SCHEDULED)


#: a and b are in a group that is mapped over s; j comes after.
GROUP = mapped(
    {"s": [], "a": ["s"], "b": ["a"], "j": ["b"]},
    OVER_FIRST,
    tasks={"a": {"mapping": 0}, "b": {"mapping": 0}},
)


def test_tasks_of_a_mapped_group_follow_each_other_one_to_one():
    run = Run(GROUP)
    assert run.push("s", 3) == of_each("a", range(3), SCHEDULED)
    assert run.settle(a1=SUCCESS) == {"b1": SCHEDULED}
    assert run.settle(a0=FAILED, b1=SUCCESS) == {"b0": UPSTREAM_FAILED, "j": UPSTREAM_FAILED}
    assert run.settle(a2=SUCCESS) == {"b2": SCHEDULED}


def test_an_empty_group_is_skipped_task_by_task():
    assert Run(GROUP).push("s", 0) == {"a": SKIPPED, "b": SKIPPED, "j": SKIPPED}


def test_a_branch_in_a_mapped_group_skips_for_its_own_index():
    tasks = {"a": {"mapping": 0, "may_skip": SkipReach.DIRECT}, "b": {"mapping": 0}}
    run = Run(mapped({"s": [], "a": ["s"], "b": ["a"]}, OVER_FIRST, tasks=tasks))
    run.push("s", 2)
    assert run.settle(TryEffects(skips=("b",)), a0=SUCCESS) == {"b0": SKIPPED}
    assert run.settle(a1=SUCCESS) == {"b1": SCHEDULED}


def test_what_one_instance_skips_outside_is_skipped():
    tasks = {"m": {"mapping": 0, "may_skip": SkipReach.DIRECT}}
    run = Run(mapped({"m": [], "j": ["m"]}, Length(LengthKind.LITERAL, 2), tasks=tasks))
    assert run.settle(TryEffects(skips=("j",)), m0=SUCCESS) == {}
    assert run.settle(m1=SUCCESS) == {"j": SKIPPED}


@pytest.mark.parametrize(
    ("length", "states"),
    [
        (1, {"m0": SCHEDULED, "m1": REMOVED, "m2": REMOVED}),
        (0, {"m0": SKIPPED, "m1": REMOVED, "m2": REMOVED, "j": SKIPPED}),
        (3, of_each("m", range(3), SCHEDULED)),
        (4, of_each("m", range(4), SCHEDULED)),
    ],
)
def test_a_length_that_changed_removes_and_adds_instances(length, states):
    cleared = {"s": SUCCESS, "m0": None, "m1": None, "m2": None, "j": None}
    assert Run(CHAIN).rebuilt(cleared, length).named() == states


def test_what_was_removed_does_not_hold_up_what_follows():
    run = Run(CHAIN).rebuilt({"s": SUCCESS, "m0": None, "m1": None, "j": None}, 1)
    assert run.settle(m0=SUCCESS) == {"j": SCHEDULED}


def test_what_has_ended_stays_when_its_source_ends_anew():
    states = {"s": SUCCESS, "m0": SUCCESS, "m1": SUCCESS, "j": None}
    run = Run(CHAIN).rebuilt(states, 5)
    assert (run.named(), run.last.expansions) == ({"j": SCHEDULED}, {})


def test_a_failed_fast_run_gives_mapped_tasks_no_instances_but_teardowns():
    teardown = {"mapping": 0, "is_teardown": True, "trigger_rule": TriggerRule.ALL_DONE_SETUP_SUCCESS}
    tasks = {"m": {"mapping": 0}, "t": teardown}
    dag = mapped({"s": [], "a": [], "m": ["s"], "t": ["s"]}, OVER_FIRST, tasks=tasks, fail_fast=True)
    run = Run(dag)
    run.settle(a=FAILED)
    assert run.push("s", 2) == of_each("t", range(2), SCHEDULED)
    assert run.last.expansions == {3: range(2)}


ENDS = st.sampled_from([SUCCESS, FAILED, SKIPPED])


@given(st.lists(st.tuples(ENDS, ENDS), max_size=4), st.randoms(use_true_random=False))
def test_ends_follow_from_ends_in_whatever_order_they_come(ends, random):
    """The obvious reference: each b follows its own a, and j all of them."""
    run = Run(GROUP)
    run.push("s", len(ends))
    due = [("a", index) for index in range(len(ends))]
    while due:
        task, index = due.pop(random.randrange(len(due)))
        changes = run.settle(**{f"{task}{index}": ends[index][task == "b"]})
        due += [("b", index)] * (changes.get(f"b{index}") is SCHEDULED)
    of_b = [b if a is SUCCESS else {FAILED: UPSTREAM_FAILED}.get(a, a) for a, b in ends]
    states = run.progress.states()
    assert [states[2, index] for index in range(len(ends))] == of_b
    bad = FAILED in of_b or UPSTREAM_FAILED in of_b
    assert states[3, -1] is (
        UPSTREAM_FAILED if bad else SKIPPED if SKIPPED in of_b or not ends else SCHEDULED
    )


def test_a_tally_tells_what_may_matter():
    tally = Tally([None, None, SUCCESS])
    assert (tally.add(SUCCESS), tally.add(SUCCESS)) == (False, True)
    tally.expect(1)
    assert tally.counts().remaining == 1

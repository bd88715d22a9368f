"""Decisions that do not know a feature end runs otherwise than the interpreter says, and are noticed.

The planted fault is a Dag without the feature, which the scheduler is given in place of the real one.
"""

from __future__ import annotations

from contextlib import nullcontext as does_not_raise
from itertools import product

import attrs
import pytest

from flowcore.domain.skips import SkipReach
from flowcore.domain.states import TaskInstanceState
from flowcore.domain.task_mapping import Length, LengthKind
from flowcore.domain.trigger_rules import TriggerRule
from flowcore.domain.workloads import NO_EFFECTS, TryEffects
from tests.properties.test_decisions import ends_as_interpreted
from tests.support.scheduling import make_dag

GOOD, BAD, SKIPPED = [(TaskInstanceState(state), NO_EFFECTS) for state in ("success", "failed", "skipped")]
SETUP, TEARDOWN = (
    {"is_setup": True},
    {"is_teardown": True, "trigger_rule": TriggerRule.ALL_DONE_SETUP_SUCCESS},
)
FREELY = {"trigger_rule": TriggerRule.ALL_DONE}


def skips(*tasks):
    return (TaskInstanceState.SUCCESS, TryEffects(tasks))


def pushes(length):
    return (TaskInstanceState.SUCCESS, TryEffects(length=length))


def without(dag, **fields):
    """The same Dag, whose tasks have other fields."""
    return attrs.evolve(dag, tasks=tuple(attrs.evolve(task, **fields) for task in dag.tasks))


def mapped(edges, *lengths, **mappings):
    tasks = {name: {"mapping": mapping} for name, mapping in mappings.items()}
    return attrs.evolve(make_dag(edges, tasks=tasks), mappings=lengths)


OVER_S = Length(LengthKind.OUTPUT, source=0)
THREE = Length(LengthKind.LITERAL, 3)
SCOPED = make_dag(
    {"s": [], "a": ["s"], "b": ["a"], "t": ["s", "b"]}, tasks={"s": SETUP, "b": FREELY, "t": TEARDOWN}
)
FOLLOWED = make_dag({"a": [], "t": ["a"]}, tasks={"t": {**TEARDOWN, "on_failure_fail_dagrun": True}})
#: What is skipped has an upstream that may end sooner.
BRANCH = make_dag(
    {"x": [], "a": [], "b": ["x", "a"]},
    tasks={"a": {"may_skip": SkipReach.DIRECT}, "b": {"trigger_rule": TriggerRule.ONE_SUCCESS}},
)
CIRCUIT = make_dag(
    {"x": [], "a": [], "b": ["a"], "c": ["b", "x"]},
    tasks={"a": {"may_skip": SkipReach.ALL}, "c": {"trigger_rule": TriggerRule.ONE_SUCCESS}},
)
GROUP = mapped({"s": [], "a": ["s"], "b": ["a"]}, OVER_S, a=0, b=0)
PAST = {(0, -1): TaskInstanceState.FAILED}

#: By feature a Dag, how its tasks end, the Dag without the feature, and the run before.
FEATURES = {
    "setups": (SCOPED, [BAD, GOOD, GOOD, GOOD], without(SCOPED, is_setup=False), None),
    "teardowns": (FOLLOWED, [GOOD, BAD], without(FOLLOWED, is_teardown=False, trigger_rule="always"), None),
    "teardowns that count": (FOLLOWED, [GOOD, BAD], without(FOLLOWED, on_failure_fail_dagrun=False), None),
    "branches": (BRANCH, [GOOD, skips("b"), GOOD], without(BRANCH, may_skip=SkipReach.NOTHING), None),
    "short circuits": (
        CIRCUIT,
        [GOOD, skips("b", "c"), GOOD, GOOD],
        without(CIRCUIT, may_skip=SkipReach.NOTHING),
        None,
    ),
    "mapping": (GROUP, [pushes(2), GOOD, GOOD], without(GROUP, mapping=None), None),
    "lengths": (GROUP, [pushes(2), GOOD, GOOD], attrs.evolve(GROUP, mappings=(THREE,)), None),
    "mapped groups": (
        GROUP,
        [pushes(2), BAD, GOOD],
        mapped({"s": [], "a": ["s"], "b": ["a"]}, OVER_S, OVER_S, a=0, b=1),
        None,
    ),
    "fail_fast": (
        make_dag({"a": [], "b": [], "c": ["b"]}, fail_fast=True),
        [BAD, GOOD, GOOD],
        make_dag({"a": [], "b": [], "c": ["b"]}),
        None,
    ),
    "depends_on_past": (
        make_dag({"a": []}, tasks={"a": {"depends_on_past": True}}),
        [GOOD],
        make_dag({"a": []}),
        PAST,
    ),
}


def check(dag, ends, past, *, decided_on):
    for seed in range(10):
        ends_as_interpreted(dag, ends, past, seed, decided_on=decided_on)


@pytest.mark.parametrize("feature", FEATURES)
def test_decisions_that_do_not_know_a_feature_are_noticed(feature):
    dag, ends, blind, past = FEATURES[feature]
    check(dag, ends, past, decided_on=dag)
    with pytest.raises(AssertionError):
        check(dag, ends, past, decided_on=blind)


ALL_ENDS = list(product([GOOD, BAD, SKIPPED], [GOOD, BAD, SKIPPED], [GOOD]))


@pytest.mark.parametrize("other", TriggerRule)
@pytest.mark.parametrize("rule", TriggerRule)
def test_a_rule_that_is_taken_for_another_is_noticed(rule, other):
    real, taken_for = (
        make_dag({"a": [], "b": [], "c": ["a", "b"]}, tasks={"c": {"trigger_rule": one}})
        for one in (rule, other)
    )
    # Without setups these all run in the end; only running too early would show.
    waits = {TriggerRule.ALL_DONE, TriggerRule.ALL_DONE_SETUP_SUCCESS}
    is_same = rule is other or (other in waits and rule in {*waits, TriggerRule.ALWAYS})
    with does_not_raise() if is_same else pytest.raises(AssertionError):
        for ends in ALL_ENDS:
            ends_as_interpreted(real, ends, None, 0, decided_on=taken_for)

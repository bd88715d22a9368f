"""The runs that Airflow's own tests work through step by step: which task may start after which end."""

from __future__ import annotations

import attrs
import pytest

from flowcore.domain.states import DagRunState
from flowcore.domain.task_mapping import Length, LengthKind
from flowcore.domain.trigger_rules import TriggerRule
from tests.semantics.runs import Run
from tests.support.scheduling import make_dag


def test_a_task_that_asks_for_one_failure_saves_the_run():
    edges = {"op1": [], "op2": ["op1"], "op3": ["op1"], "op4": ["op2", "op3"], "op5": ["op2", "op3", "op4"]}
    run = Run(make_dag(edges, tasks={"op5": {"trigger_rule": TriggerRule.ONE_FAILED}}))
    assert run.begun == {"op1": "run"}
    assert run.end(op1="S") == {"op2": "run", "op3": "run"}
    assert run.end(op2="F", op3="S") == {"op4": "U", "op5": "run"}
    run.end(op5="S")
    assert run.run_state is DagRunState.SUCCESS


SETUP_CHAIN = make_dag({"t1": [], "t2": ["t1"], "t3": ["t2"]}, tasks={"t1": {"is_setup": True}})


@pytest.mark.parametrize(
    ("end", "follows"),
    [
        pytest.param(None, {}, id="not ended"),
        pytest.param("S", {"t2": "run"}, id="success"),
        pytest.param("F", {"t2": "U", "t3": "U"}, id="failed"),
        pytest.param("K", {"t2": "K", "t3": "K"}, id="skipped"),
    ],
)
def test_work_follows_its_setup(end, follows):
    run = Run(SETUP_CHAIN)
    assert run.begun == {"t1": "run"}
    assert (run.end(t1=end) if end else {}) == follows


# Airflow lets w1 and w2 take the state at once in both cases. After a skip, the other setup could still
# fail, which would count more: then the order of the two ends would decide. So a skip waits.
@pytest.mark.parametrize(
    ("end", "at_once", "when_s1_succeeds"),
    [
        pytest.param("F", {"w1": "U", "w2": "U"}, {}, id="failed"),
        pytest.param("K", {}, {"w1": "K", "w2": "K"}, id="skipped"),
    ],
)
def test_one_of_two_setups_that_did_not_succeed_keeps_the_work_from_running(end, at_once, when_s1_succeeds):
    setup = {"is_setup": True}
    edges = {"s1": [], "s2": [], "w1": ["s1", "s2"], "w2": ["w1"]}
    run = Run(make_dag(edges, tasks={"s1": setup, "s2": setup}))
    assert run.end(s2=end) == at_once
    assert run.end(s1="S") == when_s1_succeeds


#: tg1 is t1 → t2 over three elements, tg2 is t3 over three others; t4 follows.
GROUPS = attrs.evolve(
    make_dag(
        {"t1": [], "t2": ["t1"], "t3": ["t2"], "t4": ["t3"]},
        tasks={"t1": {"mapping": 0}, "t2": {"mapping": 0}, "t3": {"mapping": 1}},
    ),
    mappings=(Length(LengthKind.LITERAL, 3),) * 2,
)


def test_a_mapped_group_that_follows_another_waits_for_all_of_it():
    run = Run(GROUPS)
    assert run.begun == {"t1[0]": "run", "t1[1]": "run", "t1[2]": "run"}
    assert run.end(t1_0="S") == {"t2[0]": "run"}
    assert run.end(t1_1="S", t1_2="S") == {"t2[1]": "run", "t2[2]": "run"}
    assert run.end(t2_0="S", t2_1="S") == {}
    assert run.end(t2_2="S") == {"t3[0]": "run", "t3[1]": "run", "t3[2]": "run"}
    assert run.end(t3_0="S", t3_1="S") == {}
    assert run.end(t3_2="S") == {"t4": "run"}


def test_a_group_over_nothing_is_skipped_whole():
    run = Run(attrs.evolve(GROUPS, mappings=(Length(LengthKind.LITERAL, 0),) * 2))
    assert run.begun == {"t1": "K", "t2": "K", "t3": "K", "t4": "K"}
    assert run.run_state is DagRunState.SUCCESS


def test_a_mapped_group_after_a_task_that_was_skipped_before_it_had_instances_is_skipped():
    dag = attrs.evolve(
        make_dag(
            {"t1": [], "t2": ["t1"], "inner": ["t2"]}, tasks={"t2": {"mapping": 0}, "inner": {"mapping": 1}}
        ),
        mappings=(Length(LengthKind.OUTPUT, source=0), Length(LengthKind.LITERAL, 1)),
    )
    assert Run(dag).end(t1="K") == {"t2": "K", "inner[0]": "K"}

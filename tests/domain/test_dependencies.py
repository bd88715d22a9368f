from __future__ import annotations

import pytest

from flowcore.domain.dependencies import Look
from flowcore.domain.skips import SkipReach
from flowcore.domain.trigger_rules import TriggerRule
from tests.domain.test_dags import TEARDOWN, dag_of

SETUP = {"is_setup": True}
DAG = dag_of("sa", "ab", "bt", "st", "ar", s=SETUP, t={**TEARDOWN}, r={"trigger_rule": TriggerRule.ALL_DONE})


def looks_of(dag, name):
    looks = dag.dependencies.looks_at[dag.position_of[name]]
    return {
        look: "".join(dag.tasks[other].task_id for other in others.outside) for look, others in looks.items()
    }


@pytest.mark.parametrize(
    ("name", "looks"),
    [
        ("s", {}),
        ("a", {Look.UPSTREAM: "s"}),
        ("b", {Look.UPSTREAM: "a", Look.NEEDED: "s"}),
        ("t", {Look.UPSTREAM: "bs", Look.OWN_SETUP: "s", Look.SCOPE: "ab"}),
        # The teardown of s is not after r, so that r need not wait for s.
        ("r", {Look.UPSTREAM: "a"}),
    ],
)
def test_task_looks_at(name, looks):
    assert looks_of(DAG, name) == looks


def test_who_is_looked_at_knows_by_whom():
    watchers = DAG.dependencies.looked_at_by[DAG.position_of["s"]]
    assert {(DAG.tasks[watcher.position].task_id, watcher.look) for watcher in watchers} == {
        ("a", Look.UPSTREAM), ("b", Look.NEEDED), ("t", Look.UPSTREAM), ("t", Look.OWN_SETUP),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("reach", "looks"),
    [
        (SkipReach.NOTHING, {Look.UPSTREAM: "b"}),
        (SkipReach.DIRECT, {Look.UPSTREAM: "b"}),
        (SkipReach.ALL, {Look.UPSTREAM: "b", Look.MAY_SKIP: "a"}),
    ],
)
def test_task_looks_at_those_that_may_skip_it(reach, looks):
    dag = dag_of("ab", "bc", "bt", a={"may_skip": reach}, t=TEARDOWN)
    assert looks_of(dag, "c") == looks
    assert (Look.MAY_SKIP in looks_of(dag, "b")) == (reach is not SkipReach.NOTHING)
    assert Look.MAY_SKIP not in looks_of(dag, "t")

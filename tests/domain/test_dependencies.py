from __future__ import annotations

import pytest

from flowcore.domain.dependencies import Look, task_verdict
from flowcore.domain.trigger_rules import TriggerRule
from flowcore.domain.verdicts import UpstreamCounts, Verdict
from tests.domain.test_dags import TEARDOWN, dag_of

SETUP = {"is_setup": True}
DAG = dag_of("sa", "ab", "bt", "st", "ar", s=SETUP, t={**TEARDOWN}, r={"trigger_rule": TriggerRule.ALL_DONE})


def looks_of(dag, name):
    looks = dag.dependencies.looks_at[dag.position_of[name]]
    return {look: "".join(dag.tasks[other].task_id for other in others) for look, others in looks.items()}


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
    assert {(DAG.tasks[position].task_id, look) for position, look in watchers} == {
        ("a", Look.UPSTREAM), ("b", Look.NEEDED), ("t", Look.UPSTREAM), ("t", Look.OWN_SETUP),
    }  # fmt: skip


def verdict_of(name, **counts):
    given = {Look[look]: count for look, count in counts.items()}
    return task_verdict(DAG.tasks[DAG.position_of[name]], lambda look: given.get(look, UpstreamCounts(0)))


OPEN, GOOD, BAD = UpstreamCounts(1), UpstreamCounts(1, success=1), UpstreamCounts(1, failed=1)


@pytest.mark.parametrize(
    ("needed", "expected"), [(GOOD, Verdict.RUN), (OPEN, Verdict.WAIT), (BAD, Verdict.UPSTREAM_FAIL)]
)
def test_work_needs_its_setups_besides_its_rule(needed, expected):
    assert verdict_of("b", UPSTREAM=GOOD, NEEDED=needed) is expected


@pytest.mark.parametrize(
    ("scope", "expected"), [(GOOD, Verdict.RUN), (BAD, Verdict.RUN), (OPEN, Verdict.WAIT)]
)
def test_teardown_waits_for_its_scope_whatever_becomes_of_it(scope, expected):
    assert verdict_of("t", UPSTREAM=GOOD, OWN_SETUP=GOOD, SCOPE=scope) is expected

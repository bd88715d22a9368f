"""Airflow's matrix of `depends_on_past`: what the run before had, and whether a task may begin."""

from __future__ import annotations

import pytest

from flowcore.domain.dags import Dag
from flowcore.domain.states import DagRunState
from flowcore.scheduler.decisions.look_back import NOT_THERE, PastRun, PastTask, is_let, tasks_asked_about
from tests.support.scheduling import make_dag

GOOD, BAD = PastTask(instances=1, bad=0), PastTask(instances=1, bad=1)
PARTLY_GOOD = PastTask(instances=3, bad=1)


def dag_of(**fields: bool) -> Dag:
    """`a` before `b` and `c`; the fields are a's."""
    return make_dag({"a": [], "b": ["a"], "c": ["a"]}, tasks={"a": {"depends_on_past": True, **fields}})


def lets(dag: Dag, past: dict[str, PastTask], *, was_there_before: bool = True) -> bool:
    run = PastRun(DagRunState.RUNNING, has_begun=True, tasks=past)
    return is_let(dag, dag.tasks[0], run, was_there_before=was_there_before)


@pytest.mark.parametrize(
    ("waits_for_downstream", "past", "expected"),
    [
        (False, {"a": GOOD, "b": BAD}, True),
        (False, {"a": BAD}, False),
        (False, {"a": PARTLY_GOOD}, False),
        (True, {"a": GOOD, "b": GOOD, "c": BAD}, False),
        (True, {"a": GOOD, "b": GOOD, "c": GOOD}, True),
        (True, {"a": GOOD}, True),
        (True, {"a": BAD, "b": GOOD, "c": GOOD}, False),
    ],
)
def test_the_run_before_lets_what_ended_well_in_it(
    waits_for_downstream: bool, past: dict[str, PastTask], expected: bool
) -> None:
    assert lets(dag_of(wait_for_downstream=waits_for_downstream), past) is expected


@pytest.mark.parametrize(
    ("ignores_first", "was_there_before", "expected"),
    [(True, False, True), (True, True, False), (False, False, False), (False, True, False)],
)
@pytest.mark.parametrize("past", [{}, {"a": NOT_THERE}])
def test_a_task_that_the_run_before_did_not_have(
    past: dict[str, PastTask], ignores_first: bool, was_there_before: bool, expected: bool
) -> None:
    dag = dag_of(ignore_first_depends_on_past=ignores_first)
    assert lets(dag, past, was_there_before=was_there_before) is expected


def test_only_those_are_asked_about_that_decide() -> None:
    assert tasks_asked_about(dag_of(), [0]) == {"a"}
    assert tasks_asked_about(dag_of(wait_for_downstream=True), [0, 1]) == {"a", "b", "c"}


@pytest.mark.parametrize(
    ("state", "expected"),
    [(DagRunState.QUEUED, False), (DagRunState.SUCCESS, True), (DagRunState.FAILED, False)],
)
def test_a_run_that_has_not_begun_speaks_for_its_tasks(state: DagRunState, expected: bool) -> None:
    dag = dag_of()
    run = PastRun(state, has_begun=False, tasks={})
    assert is_let(dag, dag.tasks[0], run, was_there_before=False) is expected

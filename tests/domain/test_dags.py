from __future__ import annotations

import pytest

from flowcore.domain.dags import Dag, Task


def dag_of(*edges, alone=(), **flags):
    """A Dag of edges such as "ab"; `flags` say more about a task: `t={"is_teardown": True}`."""
    ids = sorted({*"".join(edges), *alone})
    return Dag(
        dag_id="d",
        tasks=tuple(
            Task(
                task_id=task_id,
                position=position,
                upstream=tuple(sorted(ids.index(a) for a, b in edges if b == task_id)),
                downstream=tuple(sorted(ids.index(b) for a, b in edges if a == task_id)),
                **flags.get(task_id, {}),
            )
            for position, task_id in enumerate(ids)
        ),
    )


def leaves_of(dag):
    return "".join(dag.tasks[position].task_id for position in dag.leaves)


TEARDOWN = {"is_teardown": True}
TEARDOWN_THAT_COUNTS = {"is_teardown": True, "on_failure_fail_dagrun": True}


def test_positions_are_found_by_task_id():
    assert dag_of("ab", "bc").position_of == {"a": 0, "b": 1, "c": 2}


@pytest.mark.parametrize(
    ("edges", "leaves"), [(("ab",), "b"), (("ab", "ac"), "bc"), (("ab", "bc"), "c"), (("ac", "bc"), "c")]
)
def test_tasks_without_downstream_are_leaves(edges, leaves):
    assert leaves_of(dag_of(*edges)) == leaves


def test_single_task_is_a_leaf():
    assert leaves_of(dag_of(alone="a")) == "a"


def test_work_before_a_teardown_is_a_leaf_in_its_place():
    assert leaves_of(dag_of("ab", "bt", t=TEARDOWN)) == "b"


def test_teardown_that_may_fail_the_run_is_a_leaf():
    assert leaves_of(dag_of("ab", "bt", t=TEARDOWN_THAT_COUNTS)) == "t"


def test_work_before_a_row_of_teardowns_is_a_leaf():
    assert leaves_of(dag_of("at", "tu", t=TEARDOWN, u=TEARDOWN)) == "a"


def test_work_with_other_work_after_it_is_no_leaf():
    assert leaves_of(dag_of("ab", "at", "bt", t=TEARDOWN)) == "b"


def test_work_after_a_teardown_does_not_speak_for_the_work_before_it():
    assert leaves_of(dag_of("at", "tw", t=TEARDOWN)) == "aw"


def test_teardowns_without_downstream_decide_when_there_is_nothing_else():
    assert leaves_of(dag_of("tu", t=TEARDOWN, u=TEARDOWN)) == "u"

from __future__ import annotations

import contextvars

import pytest

from flowcore.sdk import DAG, TaskGroup
from flowcore.sdk.nesting import collecting_dags, current_group


def test_groups_are_left_in_reverse_order():
    with DAG("d") as dag:
        with TaskGroup("g") as group:
            assert current_group() is group
        assert current_group() is dag.task_group
    assert current_group() is None


def test_dag_is_left_when_its_block_raises():
    with pytest.raises(ZeroDivisionError), DAG("d"):
        1 / 0
    assert current_group() is None


def test_other_contexts_do_not_see_the_dag_being_filled():
    outside = contextvars.copy_context()
    with DAG("d"):
        assert outside.run(current_group) is None


def test_dags_are_collected_once_each_in_order():
    with collecting_dags() as made:
        with DAG("a") as a, DAG("b") as b:
            pass
        with a:
            pass
    assert list(made) == [a, b]

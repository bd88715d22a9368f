"""Airflow's table of expansions: how many instances a task has, and what each is given."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from flowcore.domain.task_mapping import elements
from flowcore.sdk import DAG, task


@task
def numbers(): ...


@task
def letters(): ...


@task
def work(a=None, b=None): ...


NUMBERS, LETTERS = [1, 2, 3], ["a", "b"]


@pytest.mark.parametrize(
    ("expand", "expected"),
    [
        pytest.param(lambda n, _: work.expand(a=[1, 2], b=[10, 20]), 4, id="expand: combinations"),
        pytest.param(lambda n, _: work.expand(a=n), 3, id="expand: an output"),
        pytest.param(lambda n, _: work.expand_kwargs([{"a": 1}, {"a": 2}]), 2, id="expand_kwargs: two"),
        pytest.param(lambda n, _: work.expand_kwargs([]), 0, id="expand_kwargs: none"),
        pytest.param(lambda n, m: work.expand(a=n.zip(m)), 2, id="zip: the shortest"),
        pytest.param(lambda n, m: work.expand(a=n.zip(m, fillvalue=0)), 3, id="zip: filled up"),
        pytest.param(lambda n, m: work.expand(a=n.concat(m)), 5, id="concat"),
        pytest.param(lambda n, _: work.expand(a=n.map(str)), 3, id="map"),
    ],
)
def test_instances_of_a_mapped_task(expand, expected):
    with DAG("d") as dag:
        expand(numbers(), letters())
    compiled = dag.compile()
    pushed: Sequence[int] = [len(NUMBERS), len(LETTERS)]
    assert elements(compiled.mappings[0], lambda source: pushed[source]) == expected

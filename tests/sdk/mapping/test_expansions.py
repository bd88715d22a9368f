from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowcore.domain.task_mapping import elements
from flowcore.errors import DagError
from flowcore.sdk import DAG, task, task_group
from flowcore.sdk.mapping.expansions import Known, combinations, dicts
from flowcore.sdk.references import Lookup

NOTHING = Lookup({}, {})


@task
def source():
    return [1, 2]


@task
def work(x, y=None): ...


@given(st.dictionaries(st.sampled_from("abc"), st.lists(st.integers(), max_size=3), min_size=1))
def test_elements_are_the_combinations_the_last_name_changing_fastest(arguments):
    expansion = combinations("t", arguments)
    expected = [dict(zip(arguments, values, strict=True)) for values in product(*arguments.values())]
    assert elements(expansion.length(lambda _: 0), lambda _: 0) == len(expected)
    assert [expansion.element(index, NOTHING) for index in range(len(expected))] == expected


def test_a_dict_is_mapped_over_by_its_items():
    assert combinations("t", {"x": {"a": 1}}).element(0, NOTHING) == {"x": ("a", 1)}


def test_what_was_pushed_is_known_and_what_was_written_is_not():
    with DAG("d"):
        out = source()
    lookup = Lookup({out.xcom_key: ["{{ ds }}"]}, {})
    element = combinations("t", {"x": out, "y": ["{{ ds }}"]}).element(0, lookup)
    assert isinstance(element["x"], Known)
    assert (element["x"].value, element["y"]) == ("{{ ds }}", "{{ ds }}")


@pytest.mark.parametrize("value", ["text", 5, None, {1, 2}])
def test_what_is_no_sequence_is_refused(value):
    with DAG("d"), pytest.raises(DagError, match=r"cannot be mapped over; give it a list"):
        work.expand(x=value)


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: work.expand(), "given nothing to map over"),
        (lambda: work.expand(x=source()["key"]), "only what a task returns can be mapped over"),
        (lambda: work.expand(x=source()["key"].map(str)), "only what a task returns can be mapped over"),
        (lambda: work.expand(x=source().zip(source()["key"])), "only what a task returns can be mapped over"),
        (lambda: work.expand(x=source.override(do_xcom_push=False)()), "do_xcom_push=False"),
        (lambda: work.expand(z=[1]), "cannot be called with these arguments"),
        (lambda: work.expand(y=[1]), "missing x"),
        (lambda: work.partial(x=1).expand(x=[1]), "given x twice"),
        (lambda: work.expand_kwargs({"x": 1}), "give it a list of dicts"),
        (lambda: work.expand_kwargs([1]), "put dicts into it"),
        (lambda: source().map(work), "a plain function, not a task"),
        (lambda: source().zip([1]), "give it outputs of tasks"),
    ],
)
def test_bad_mappings_are_refused_with_a_remedy(make, complaint):
    with DAG("d"), pytest.raises(DagError, match=complaint):
        make()


def test_an_element_that_is_no_dict_is_refused_when_it_is_found():
    with DAG("d"):
        out = source()
    with pytest.raises(DagError, match="given int as element 0"):
        dicts("t", out).element(0, Lookup({out.xcom_key: [1]}, {}))


def test_a_mapped_group_has_no_mapped_task_inside():
    @task_group
    def group(x):
        work.expand(x=[1])

    with DAG("d") as dag:
        group.expand(x=[1])
    with pytest.raises(DagError, match="so is a group around it"):
        dag.compile()


def test_a_mapped_group_has_no_mapped_group_inside():
    @task_group
    def inner(x): ...

    @task_group
    def outer(x):
        inner.expand(x=[1])

    with DAG("d"), pytest.raises(DagError, match="cannot be mapped itself"):
        outer.expand(x=[1])


def test_the_argument_of_a_mapped_group_stays_inside():
    @task_group
    def group(x):
        work(x)
        return x

    with DAG("d") as dag:
        work(group.expand(x=[1]))
    with pytest.raises(DagError, match="outside of the mapped group"):
        dag.compile()


def test_the_first_tasks_of_a_mapped_group_wait_for_what_it_is_mapped_over():
    @task_group
    def group(x):
        work.override(task_id="first")(1) >> work.override(task_id="last")(2)

    with DAG("d") as dag:
        group.expand(x=source())
    assert dag.get_task("group.first").upstream_task_ids == {"source"}
    assert dag.get_task("group.last").upstream_task_ids == {"group.first"}


def test_more_combinations_than_there_can_be_instances_are_refused():
    with DAG("d") as dag:
        work.expand(x=list(range(1000)), y=list(range(101)))
    with pytest.raises(DagError, match="101,000 elements, and 100,000 instances are the most"):
        dag.compile()

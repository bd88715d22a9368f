"""Tasks that decide what runs, through the real scheduler; many of the cases are Airflow's."""

from __future__ import annotations

import pytest

from flowcore.app.dag_tests import arun_to_end
from flowcore.sdk import DAG, BaseBranchOperator, BaseOperator, SkipMixin, TaskGroup, task


@task
async def work():
    return 1


def named(name, **arguments):
    return work.override(task_id=name, **arguments)()


async def states_of(dag):
    """The states of the tasks, each by its first letter: s, k (skipped), f, u."""
    ended = (await arun_to_end(dag)).tasks
    return {name: "k" if one.state == "skipped" else one.state[0] for name, one in ended.items()}


def choosing(choice):
    """A branch that chooses, as a coroutine."""

    @task.branch
    async def branch():
        return choice

    return branch()


async def test_branch_runs_what_it_chooses_and_what_joins_it():
    with DAG("d") as dag:
        branch, d = choosing("b"), named("d", trigger_rule="none_failed_min_one_success")
        branch >> [named("b"), named("c")] >> d
    assert await states_of(dag) == {"branch": "s", "b": "s", "c": "k", "d": "s"}


async def test_join_right_after_a_branch_is_not_skipped_when_it_is_on_the_way():
    with DAG("d") as dag:
        branch, join = choosing("b"), named("join", trigger_rule="none_failed_min_one_success")
        branch >> named("b") >> join
        branch >> [join, named("c")]
    assert await states_of(dag) == {"branch": "s", "b": "s", "join": "s", "c": "k"}


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, {"b": "k", "c": "k", "d": "k"}),
        ([], {"b": "k", "c": "k", "d": "k"}),
        (["b", "c"], {"b": "s", "c": "s", "d": "s"}),
    ],
)
async def test_branch_chooses_none_or_several(choice, expected):
    with DAG("d") as dag:
        choosing(choice) >> [named("b"), named("c")] >> named("d")
    assert await states_of(dag) == {"branch": "s", **expected}


async def test_branch_chooses_a_group():
    with DAG("d") as dag:
        branch = choosing("g")
        with TaskGroup("g") as chosen:
            named("a") >> named("b")
        with TaskGroup("h") as other:
            named("a") >> named("b")
        branch >> [chosen, other]
    assert await states_of(dag) == {"branch": "s", "g.a": "s", "g.b": "s", "h.a": "k", "h.b": "k"}


async def test_branch_that_chooses_what_is_not_there_fails():
    with DAG("d") as dag:
        choosing("x") >> named("b")
    ended = (await arun_to_end(dag)).tasks
    assert ended["branch"].state == "failed"
    assert "branch 'branch' chose 'x', and Dag 'd' has no task or group of that id" in ended["branch"].error
    assert ended["b"].state == "upstream_failed"


async def test_what_a_branch_chose_is_its_xcom():
    with DAG("d") as dag:
        choosing(["b"]) >> [named("b"), named("c")]
    ended = (await arun_to_end(dag)).tasks
    assert ended["branch"].returned == ["b"]


async def test_branch_is_a_class_of_ones_own():
    class Odd(BaseBranchOperator):
        def choose_branch(self, context):
            return "b" if context["params"]["n"] % 2 else "c"

    with DAG("d", params={"n": 3}) as dag:
        Odd(task_id="odd") >> [named("b"), named("c")]
    assert await states_of(dag) == {"odd": "s", "b": "s", "c": "k"}


@pytest.mark.parametrize(("ignores", "c"), [(True, "k"), (False, "s")])
async def test_short_circuit_skips_all_that_follows_or_what_comes_right_after(ignores, c):
    with DAG("d") as dag:

        @task.short_circuit(ignore_downstream_trigger_rules=ignores)
        def sc():
            return 0

        named("a") >> sc() >> named("b") >> named("c", trigger_rule="all_done")
    assert await states_of(dag) == {"a": "s", "sc": "s", "b": "k", "c": c}


async def test_short_circuit_that_holds_skips_nothing():
    with DAG("d") as dag:

        @task.short_circuit
        async def sc():
            return {"rows": 3}

        sc() >> named("b")
    ended = (await arun_to_end(dag)).tasks
    assert (ended["sc"].returned, ended["b"].state) == ({"rows": 3}, "success")


async def test_teardown_is_spared_by_a_short_circuit():
    with DAG("d") as dag:

        @task.short_circuit
        def sc():
            return False

        with named("s").as_setup() >> named("t").as_teardown():
            sc() >> named("b")
    assert await states_of(dag) == {"s": "s", "sc": "s", "b": "k", "t": "s"}


async def test_operator_skips_what_it_names():
    class SkipsLast(BaseOperator, SkipMixin):
        def execute(self, context):
            self.skip(context["ti"], [("c", -1)])

    with DAG("d") as dag:
        SkipsLast(task_id="a") >> named("b", trigger_rule="always") >> named("c", trigger_rule="always")
    assert await states_of(dag) == {"a": "s", "b": "s", "c": "k"}

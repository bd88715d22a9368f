from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowcore.backends import Backend
from flowcore.domain.retries import RetryRule
from flowcore.domain.serialization import dump_dag, load_dag
from flowcore.domain.workloads import RunsIn
from flowcore.errors import DagCycle, DagError
from flowcore.sdk import DAG, BaseOperator, Param, TaskGroup, task


@task
def work():
    pass


@task
async def awaiting():
    pass


def named(name, **arguments):
    return work.override(task_id=name, **arguments)()


def test_positions_follow_the_order_of_definition():
    with DAG("d") as dag:
        c, b, a = named("c"), named("b"), named("a")
        [a, b] >> c
    compiled = dag.compile()
    assert [task.task_id for task in compiled.tasks] == ["c", "b", "a"]
    assert [task.upstream for task in compiled.tasks] == [(1, 2), (), ()]
    assert [task.downstream for task in compiled.tasks] == [(), (0,), (0,)]


def test_weights_are_effective_ones():
    with DAG("d") as dag:
        named("a") >> named("b", weight_rule="absolute", priority_weight=5) >> named("c")
    assert [task.priority_weight for task in dag.compile().tasks] == [7, 5, 1]


def test_task_carries_what_its_author_said():
    with DAG("d") as dag:
        named(
            "a",
            retries=2,
            retry_delay=timedelta(seconds=5),
            retry_exponential_backoff=True,
            max_retry_delay=60,
            execution_timeout=1.5,
            pool="p",
            pool_slots=2,
            max_active_tis_per_dag=3,
        )
    compiled = dag.compile().tasks[0]
    assert compiled.retry_rule == RetryRule(delay_s=5.0, multiplier=2.0, max_delay_s=60.0)
    assert (compiled.retries, compiled.execution_timeout_s) == (2, 1.5)
    assert (compiled.pool, compiled.pool_slots, compiled.max_active_tis_per_dag) == ("p", 2, 3)
    assert (compiled.operator, compiled.is_async) == ("@task", False)


def test_coroutines_are_told_from_functions():
    with DAG("d") as dag:
        awaiting()
    assert dag.compile().tasks[0].is_async


def test_times_are_in_utc():
    dag = DAG("d", start_date=datetime(2024, 7, 1, tzinfo=ZoneInfo("Europe/Rome")), dagrun_timeout=60)
    compiled = dag.compile()
    assert compiled.start_date == datetime(2024, 6, 30, 22, tzinfo=UTC)
    assert compiled.start_date.tzinfo is UTC
    assert compiled.dagrun_timeout_s == 60.0


def test_cron_is_read_in_the_zone_of_the_start_date():
    dag = DAG("d", schedule="@daily", start_date=datetime(2024, 7, 1, tzinfo=ZoneInfo("Europe/Rome")))
    assert dag.compile().timetable["timezone"] == "Europe/Rome"


def test_timetable_limits_active_runs():
    assert DAG("d", schedule="@continuous").compile().max_active_runs == 1
    assert DAG("d", max_active_runs=-1).compile().max_active_runs == 0


def test_owners_are_those_of_the_tasks():
    with DAG("d", default_args={"owner": "zoe"}) as dag:
        named("a"), named("b", owner="adam"), named("c")
    assert dag.compile().owner == "adam, zoe"


def test_cycle_is_named_in_order():
    with DAG("d") as dag:
        a, b, c, d = named("a"), named("b"), named("c"), named("d")
        d >> a >> b >> c >> a
    with pytest.raises(DagCycle, match=r"Dag 'd' has a cycle: (\w → )+\w; remove") as caught:
        dag.compile()
    assert sorted(caught.value.cycle) == ["a", "b", "c"]


def test_cycle_through_groups_is_found():
    with DAG("d") as dag:
        outside = named("outside")
        with TaskGroup("g") as group:
            named("a") >> named("b")
        group >> outside >> group
    with pytest.raises(DagCycle):
        dag.compile()


def test_task_cannot_wait_for_itself():
    with DAG("d") as dag:
        a = named("a")
        a >> a
    with pytest.raises(DagCycle, match="a → a"):
        dag.compile()


def test_catchup_needs_a_start_date():
    with pytest.raises(DagError, match="Dag 'd' has catchup=True and a schedule, but no start_date"):
        DAG("d", schedule="@daily", catchup=True).compile()


def test_scheduled_dag_needs_defaults_for_its_params():
    with pytest.raises(DagError, match="its params p have no default"):
        DAG("d", schedule="@daily", params={"p": Param(type="string")}).compile()


def test_operator_without_work_is_refused():
    with DAG("d") as dag:
        BaseOperator("idle")
    with pytest.raises(DagError, match="task 'idle' of Dag 'd' has nothing to do: define execute"):
        dag.compile()


@given(st.sets(st.tuples(st.integers(0, 7), st.integers(0, 7)).filter(lambda edge: edge[0] < edge[1])))
def test_compiled_dag_survives_storage(edges):
    with DAG("d", schedule=timedelta(hours=1), tags=["t"], params={"p": 1}) as dag:
        tasks = [named(f"t{number}") for number in range(8)]
        for before, after in edges:
            tasks[before] >> tasks[after]
    compiled = dag.compile()
    assert load_dag(dump_dag(compiled)) == compiled
    assert {(before, task.position) for task in compiled.tasks for before in task.upstream} == edges


def test_functions_run_in_a_process_each_and_coroutines_in_a_worker():
    with DAG("d") as dag:
        work(), awaiting()
    assert [task.runs_in for task in dag.compile().tasks] == [RunsIn.PROCESS, RunsIn.WORKER]


def test_default_args_say_where_the_tasks_of_a_dag_run():
    with DAG("d", default_args={"runs_in": "in-process", "backend": "trio"}) as dag:
        work(), awaiting(), awaiting.override(runs_in="process", backend="asyncio")()
    where = [(task.runs_in, task.backend) for task in dag.compile().tasks]
    assert where == [
        (RunsIn.IN_PROCESS, None),
        (RunsIn.IN_PROCESS, Backend.TRIO),
        (RunsIn.PROCESS, Backend.ASYNCIO),
    ]
    assert load_dag(dump_dag(dag.compile())) == dag.compile()


def test_function_in_a_worker_is_refused():
    with DAG("d") as dag:
        named("a", runs_in="worker")
    with pytest.raises(DagError, match="would block the event loop of all others; make it a coroutine"):
        dag.compile()

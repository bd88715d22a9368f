from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from flowcore.backends import Backend
from flowcore.domain.dags import Group
from flowcore.domain.retries import RetryRule
from flowcore.domain.serialization import dump_dag, load_dag
from flowcore.domain.workloads import RunsIn
from flowcore.sdk import DAG, Label, TaskGroup, task


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


def test_groups_and_labels_are_kept_for_those_who_draw_them():
    with DAG("d") as dag, TaskGroup("g", tooltip="tip", group_display_name="G", ui_color="red"):
        with TaskGroup("h"):
            b = named("b")
        named("a") >> Label("if dry") >> b
    compiled = dag.compile()
    assert [task.group_id for task in compiled.tasks] == ["g.h", "g"]
    assert compiled.groups[0] == Group(
        group_id="g", tooltip="tip", display_name="G", ui_color="red", ui_fgcolor="#000"
    )
    assert (compiled.groups[1].group_id, compiled.groups[1].parent_id) == ("g.h", "g")
    assert compiled.edge_labels == {"g.a": {"g.h.b": "if dry"}}


def test_setups_and_teardowns_are_marked():
    with DAG("d") as dag:
        named("t").as_teardown(setups=named("s"), on_failure_fail_dagrun=True)
    teardown, setup = dag.compile().tasks
    assert (setup.is_setup, teardown.is_teardown, teardown.on_failure_fail_dagrun) == (True, True, True)
    assert teardown.upstream == (setup.position,)


def test_documentation_is_kept_by_the_names_of_its_arguments():
    with DAG("d", default_args={"doc_rst": "*rst*"}) as dag:
        named("a", doc_md="# md", doc="plain")
    assert dag.compile().tasks[0].docs == {"doc": "plain", "doc_md": "# md", "doc_rst": "*rst*"}


def test_documentation_of_a_dag_may_be_a_file_beside_it(tmp_path):
    (tmp_path / "about.md").write_text("# About")
    dag = DAG("d", doc_md="about.md")
    dag.fileloc = str(tmp_path / "dag.py")
    assert dag.compile().doc_md == "# About"
    assert DAG("d", doc_md="see absent.md").compile().doc_md == "see absent.md"


def test_tasks_say_how_they_depend_on_the_past():
    with DAG("d", default_args={"depends_on_past": True}) as dag:
        named("a", ignore_first_depends_on_past=False, wait_for_past_depends_before_skipping=True)
        named("b", depends_on_past=False, wait_for_downstream=True)
        named("c", depends_on_past=False)
    a, b, c = dag.compile().tasks
    assert (a.depends_on_past, a.ignore_first_depends_on_past) == (True, False)
    assert a.wait_for_past_depends_before_skipping
    # Who waits for the tasks after it waits for itself, too.
    assert (b.depends_on_past, b.wait_for_downstream, c.depends_on_past) == (True, True, False)

"""What type checkers must make of a Dag file; mypy reads this, nothing runs it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, assert_type

from flowcore.domain.dags import Dag
from flowcore.sdk import (
    DAG,
    AirflowSkipException,
    BaseHook,
    BaseOperator,
    Connection,
    Context,
    Label,
    Param,
    TaskGroup,
    TriggerRule,
    Variable,
    XComArg,
    chain,
    chain_linear,
    cross_downstream,
    dag,
    get_current_context,
    setup,
    task,
    task_group,
    teardown,
)


@task
def extract(day: str, ti: Any = None) -> dict[str, int]:
    return {day: 1}


@task(retries=3, retry_delay=timedelta(minutes=1), trigger_rule=TriggerRule.ALL_DONE)
async def load(rows: dict[str, int]) -> int:
    if not rows:
        raise AirflowSkipException("nothing to do")
    return len(rows)


class Report(BaseOperator):
    def __init__(self, text: object, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.text = text

    def execute(self, context: Context) -> str:
        assert_type(context["ds"], str)
        assert_type(context["ti"].try_number, int)
        return str(self.text)


@task
async def connect() -> str:
    warehouse = await Connection.aget("warehouse")
    assert_type(warehouse.port, int | None)
    assert_type(BaseHook.get_connection("warehouse"), Connection)
    await Variable.aset("seen", {"rows": 1}, serialize_json=True)
    assert_type(list(Variable.keys("s")), list[str])
    return warehouse.get_uri()


@task.branch
def choose(rows: dict[str, int]) -> str:
    return "load" if rows else "report"


@task.short_circuit(ignore_downstream_trigger_rules=False, retries=1)
async def is_new(day: str) -> bool:
    return bool(day)


@setup
def cluster(size: int) -> str:
    return f"cluster of {size}"


@teardown(on_failure_fail_dagrun=True)
def no_cluster() -> None: ...


@task_group
def both(day: str) -> XComArg:
    return load(extract(day))


@dag(
    schedule="@daily", start_date=datetime(2024, 1, 1, tzinfo=UTC), params={"size": Param(3, type="integer")}
)
def pipeline(size: int = 3) -> None:
    extract(str(size))


with DAG("typed", schedule=timedelta(hours=1), tags=["a"]) as typed:
    rows = extract("monday")
    loaded = load.override(task_id="load_rows", pool="db")(rows)
    with TaskGroup("reports") as reports:
        report = Report(loaded["count"], task_id="report")
    rows >> loaded >> [report, reports]
    chain(rows, [loaded, report], reports)
    chain_linear(rows, Label("all"), [loaded, report])
    cross_downstream([rows], [loaded, report])
    with cluster(3) >> no_cluster() as scope:
        scope.add_task(loaded)
    assert_type(cluster.function(3), str)
    assert_type(report.as_teardown(setups=cluster(4)), Report)

assert_type(rows, XComArg)
assert_type(choose(rows), XComArg)
assert_type(is_new("monday"), XComArg)
assert_type(report.output, XComArg)
assert_type(extract.function("monday"), dict[str, int])
assert_type(pipeline(4), DAG)
assert_type(typed.compile(), Dag)
assert_type(get_current_context()["try_number"], int)
DAG("wrong", schedul=None)  # type: ignore[call-arg]
pipeline("many")  # type: ignore[arg-type]
task(reties=3)  # type: ignore[call-overload]
task.branch(ignore_downstream_trigger_rules=True)  # type: ignore[call-overload]
task(retries="3")  # type: ignore[call-overload]

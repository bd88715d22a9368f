from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from flowcore.errors import DagError, TaskNotFound
from flowcore.sdk import DAG, Param, task

ROME = ZoneInfo("Europe/Rome")
MOMENT_WITHOUT_ZONE = datetime(2025, 1, 1)  # noqa: DTZ001


@task
def work(x=None):
    pass


def test_times_without_zone_are_in_that_of_the_start_date():
    dag = DAG("d", start_date=datetime(2024, 1, 1, tzinfo=ROME), end_date=MOMENT_WITHOUT_ZONE)
    assert (dag.timezone, dag.end_date) == (ROME, datetime(2025, 1, 1, tzinfo=ROME))


def test_without_any_zone_times_are_in_utc():
    assert DAG("d", start_date=MOMENT_WITHOUT_ZONE).start_date == datetime(2025, 1, 1, tzinfo=UTC)


def test_dates_may_stand_in_the_default_args():
    moment = datetime(2024, 1, 1, tzinfo=UTC)
    dag = DAG("d", default_args={"start_date": moment, "end_date": moment}, end_date=MOMENT_WITHOUT_ZONE)
    assert (dag.start_date, dag.end_date) == (moment, datetime(2025, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("schedule", ["@sometimes", "0 0 30 2 *", 5])
def test_bad_schedule_names_the_dag(schedule):
    with pytest.raises(DagError, match=f"Dag 'd' has schedule={schedule!r}".replace("*", r"\*")):
        DAG("d", schedule=schedule)


@pytest.mark.parametrize(
    "arguments",
    [
        {"dagrun_timeout": -1},
        {"start_date": "2024-01-01"},
        {"max_active_runs": "3"},
        {"shedule": None, "x": 1},
    ],
)
def test_bad_argument_names_the_dag(arguments):
    with pytest.raises(DagError, match=r"Dag 'd' (has|was given)"):
        DAG("d", **arguments)


def test_bad_id_is_refused():
    with pytest.raises(DagError, match="'my dag' cannot be a dag_id"):
        DAG("my dag")


def test_tasks_are_found_by_id():
    with DAG("d") as dag:
        operator = work().operator
    assert dag.get_task("work") is operator
    with pytest.raises(TaskNotFound):
        dag.get_task("play")


def test_param_is_declared_by_its_use():
    with DAG("d", params={"known": Param(1)}) as dag:
        operator = work([dag.param("new", 7), dag.param("known", 8)]).operator
    assert {name: param.default for name, param in dag.params.items()} == {"known": 1, "new": 7}
    assert len(operator.references) == 2

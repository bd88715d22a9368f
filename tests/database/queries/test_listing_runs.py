from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from flowcore.database.queries.listing_runs import list_runs, list_task_instances
from flowcore.database.queries.register_dags import register_dag
from flowcore.database.queries.triggering import trigger_dag_run
from flowcore.database.tables import dag, task_instance, xcom
from flowcore.domain.dags import Dag
from flowcore.domain.states import DagRunState, TaskInstanceState
from flowcore.errors import DagNotFound, DagRunNotFound

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def run_id(connection: sa.Connection) -> int:
    """A queued run `first` of the Dag `etl`."""
    register_dag(connection, Dag(dag_id="etl"), now=NOW, paused_at_creation=False)
    return trigger(connection, "first")


def trigger(connection: sa.Connection, run_id: str, *, at: datetime = NOW) -> int:
    run = trigger_dag_run(connection, dag_id="etl", conf={}, run_id=run_id, logical_date=None, now=at)
    return run.id


def add_task_instance(
    connection: sa.Connection, run_id: int, task_id: str, *, position: int, state: str | None = None
) -> int:
    values = {"dag_run_id": run_id, "dag_id": "etl", "task_id": task_id, "position": position, "state": state}
    insert = task_instance.insert().values(
        **values, try_number=2, pool="default_pool", pool_slots=1, priority_weight=1, run_date=NOW
    )
    return int(connection.execute(insert.returning(task_instance.c.id)).scalar_one())


def push(
    connection: sa.Connection, task_instance_id: int, key: str, value: str, *, try_number: int = 2
) -> None:
    row = {"task_instance_id": task_instance_id, "try_number": try_number, "key": key, "value": value}
    connection.execute(xcom.insert().values(**row, pushed_at=NOW))


@pytest.mark.usefixtures("run_id")
def test_runs_are_listed_latest_first(connection: sa.Connection) -> None:
    trigger(connection, "second", at=NOW + timedelta(hours=1))
    runs = list_runs(connection, "etl")
    assert [run.run_id for run in runs] == ["second", "first"]
    assert runs[1].state is DagRunState.QUEUED
    assert (runs[1].run_type, runs[1].logical_date, runs[1].start_date) == ("manual", NOW, None)


@pytest.mark.usefixtures("run_id")
def test_runs_of_a_dag_whose_file_is_gone_are_still_listed(connection: sa.Connection) -> None:
    connection.execute(dag.update().values(is_active=False))
    assert [run.run_id for run in list_runs(connection, "etl")] == ["first"]


@pytest.mark.usefixtures("run_id")
def test_runs_of_an_unknown_dag_are_an_error(connection: sa.Connection) -> None:
    with pytest.raises(DagNotFound, match="there is no Dag 'elt'; known: etl"):
        list_runs(connection, "elt")


def test_task_instances_are_listed_in_dag_order(connection: sa.Connection, run_id: int) -> None:
    add_task_instance(connection, run_id, "load", position=1)
    add_task_instance(connection, run_id, "extract", position=0, state="success")
    listed = [(row.task_id, row.state) for row in list_task_instances(connection, "etl", "first")]
    assert listed == [("extract", TaskInstanceState.SUCCESS), ("load", None)]


def test_a_task_instance_is_listed_with_the_return_value_of_its_try(
    connection: sa.Connection, run_id: int
) -> None:
    extract = add_task_instance(connection, run_id, "extract", position=0)
    push(connection, extract, "return_value", '"lost"', try_number=1)
    push(connection, extract, "return_value", "[1, 2]")
    push(connection, extract, "other", "3")
    assert [row.xcom for row in list_task_instances(connection, "etl", "first")] == ["[1, 2]"]


def test_a_task_instance_without_return_value_has_no_xcom(connection: sa.Connection, run_id: int) -> None:
    push(connection, add_task_instance(connection, run_id, "extract", position=0), "other", "3")
    assert [row.xcom for row in list_task_instances(connection, "etl", "first")] == [None]


@pytest.mark.usefixtures("run_id")
def test_task_instances_of_an_unknown_run_are_an_error(connection: sa.Connection) -> None:
    with pytest.raises(DagRunNotFound, match="has no run 'frst'; see `flowcore dags list-runs etl`"):
        list_task_instances(connection, "etl", "frst")

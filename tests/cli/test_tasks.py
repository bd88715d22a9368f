from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from flowcore.database.queries.listing_runs import list_runs
from flowcore.database.tables import task_instance
from tests.cli.conftest import Flowcore, error_of


@pytest.fixture(autouse=True)
def _triggered(flowcore: Flowcore, etl_file: Path) -> None:
    flowcore("db", "migrate")
    flowcore("dags", "trigger", "etl", "--run-id", "first")


def test_tasks_are_listed_in_order_of_definition(flowcore: Flowcore) -> None:
    rows = json.loads(flowcore("tasks", "list", "etl", "-o", "json").stdout)
    assert [(row["task_id"], row["upstream"], row["retries"]) for row in rows] == [
        ("extract", "", 2),
        ("load", "extract", 0),
    ]


def test_task_instances_are_listed_with_their_states(flowcore: Flowcore, folder: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{folder}/flowcore.db")
    with engine.begin() as connection:
        row = {"dag_run_id": 1, "task_id": "extract", "position": 0, "state": "running", "try_number": 1}
        limits = {"pool": "default_pool", "pool_slots": 1, "priority_weight": 1}
        run_date = list_runs(connection, "etl")[0].run_after
        connection.execute(task_instance.insert().values(dag_id="etl", run_date=run_date, **row, **limits))
    engine.dispose()
    rows = json.loads(flowcore("tasks", "states-for-dag-run", "etl", "first", "-o", "json").stdout)
    assert [(row["task_id"], row["state"], row["try_number"]) for row in rows] == [("extract", "running", 1)]


def test_an_unknown_run_is_named(flowcore: Flowcore) -> None:
    shown = error_of(flowcore("tasks", "states-for-dag-run", "etl", "frst"))
    assert shown == "error: Dag 'etl' has no run 'frst'; see `flowcore dags list-runs etl`"


def test_tasks_of_an_unknown_dag_are_an_error(flowcore: Flowcore) -> None:
    assert error_of(flowcore("tasks", "list", "elt")) == "error: there is no Dag 'elt'; known: etl"

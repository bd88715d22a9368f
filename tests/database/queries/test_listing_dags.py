from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from flowcore.database.queries.listing_dags import (
    ListedImportError,
    NextRun,
    latest_dag,
    list_dags,
    list_import_errors,
    next_run,
)
from flowcore.database.queries.register_dags import register_dag
from flowcore.database.tables import dag, import_error
from flowcore.domain.dags import Dag, Task
from flowcore.domain.timetables.registry import timetable_for
from flowcore.errors import DagNotFound

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAILY = timetable_for("0 6 * * *", UTC).serialize()


def register(connection: sa.Connection, *dags: Dag) -> None:
    for each in dags:
        register_dag(connection, each, now=NOW, paused_at_creation=False)


def test_dags_are_listed_by_id(connection: sa.Connection) -> None:
    register(connection, Dag(dag_id="b", is_paused_upon_creation=True), Dag(dag_id="a", fileloc="/dags/a.py"))
    listed = [(item.dag_id, item.fileloc, item.is_paused) for item in list_dags(connection)]
    assert listed == [("a", "/dags/a.py", False), ("b", None, True)]


def test_a_dag_is_listed_with_its_schedule(connection: sa.Connection) -> None:
    register(connection, Dag(dag_id="daily", timetable=DAILY, start_date=NOW))
    [listed] = list_dags(connection)
    assert listed.schedule == "0 6 * * *"
    assert listed.next_run_after == datetime(2026, 3, 2, 6, tzinfo=UTC)


def test_a_dag_whose_file_is_gone_is_listed_as_inactive(connection: sa.Connection) -> None:
    register(connection, Dag(dag_id="gone"), Dag(dag_id="here"))
    connection.execute(dag.update().where(dag.c.dag_id == "gone").values(is_active=False))
    assert [(listed.dag_id, listed.is_active) for listed in list_dags(connection)] == [
        ("gone", False),
        ("here", True),
    ]
    assert latest_dag(connection, "gone").dag_id == "gone"


def test_only_active_dags_are_proposed_for_an_unknown_one(connection: sa.Connection) -> None:
    register(connection, Dag(dag_id="gone"), Dag(dag_id="here"))
    connection.execute(dag.update().where(dag.c.dag_id == "gone").values(is_active=False))
    with pytest.raises(DagNotFound, match="there is no Dag 'other'; known: here"):
        latest_dag(connection, "other")


def test_the_latest_version_of_a_dag_is_found(connection: sa.Connection) -> None:
    newer = Dag(dag_id="etl", tasks=(Task(task_id="extract", position=0),), fileloc="/dags/etl.py")
    register(connection, Dag(dag_id="etl"), newer)
    assert latest_dag(connection, "etl") == newer


def test_the_next_run_has_its_data_interval(connection: sa.Connection) -> None:
    register(connection, Dag(dag_id="daily", timetable=DAILY, start_date=NOW))
    six = datetime(2026, 3, 2, 6, tzinfo=UTC)
    assert next_run(connection, "daily") == NextRun(six, six, six, six)


def test_a_dag_without_schedule_has_no_next_run(connection: sa.Connection) -> None:
    register(connection, Dag(dag_id="manual"))
    assert next_run(connection, "manual") == NextRun(None, None, None, None)


def test_the_next_run_of_an_unknown_dag_is_an_error(connection: sa.Connection) -> None:
    with pytest.raises(DagNotFound, match="no Dag is registered yet"):
        next_run(connection, "etl")


def test_import_errors_are_listed_by_path(connection: sa.Connection) -> None:
    rows = [ListedImportError(f"/dags/{name}.py", "broken", None, NOW - timedelta(hours=1)) for name in "ba"]
    for row in rows:
        values = {"fileloc": row.fileloc, "message": row.message, "seen_at": row.seen_at}
        connection.execute(import_error.insert().values(values))
    assert list_import_errors(connection) == rows[::-1]

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from flowcore.database.queries.finding_xcoms import count_xcoms, find_xcoms, search_xcoms, slice_xcoms
from flowcore.database.queries.register_dags import register_dag
from flowcore.database.queries.triggering import trigger_dag_run
from flowcore.database.tables import task_instance, xcom
from flowcore.domain.dags import Dag

DAY = datetime(2026, 3, 1, tzinfo=UTC)


def day(number: int) -> datetime:
    return DAY + timedelta(days=number)


@pytest.fixture
def runs(connection: sa.Connection) -> list[int]:
    """Runs `r0` to `r2` of `etl`, a day apart, and one of another Dag."""
    for name in ("etl", "other"):
        register_dag(connection, Dag(dag_id=name), now=DAY, paused_at_creation=False)
    dags = [("etl", 0), ("etl", 1), ("etl", 2), ("other", 0)]
    return [run_of(connection, dag_id, number) for dag_id, number in dags]


def run_of(connection: sa.Connection, dag_id: str, number: int) -> int:
    at = day(number)
    run = trigger_dag_run(connection, dag_id=dag_id, conf={}, run_id=f"r{number}", logical_date=at, now=at)
    return run.id


def push(
    connection: sa.Connection, run: int, task_id: str, *values: str, map_index: int = -1, key: str = "k"
) -> None:
    """Add a task instance of which each try pushed one of these; the last one is the current."""
    row = {"dag_run_id": run, "dag_id": "etl", "task_id": task_id, "position": 0, "map_index": map_index}
    limits = {"pool": "default_pool", "pool_slots": 1, "priority_weight": 1, "run_date": DAY}
    insert = task_instance.insert().values(**row, **limits, try_number=len(values))
    instance = connection.execute(insert.returning(task_instance.c.id)).scalar_one()
    for number, value in enumerate(values, 1):
        pushed = {"task_instance_id": instance, "try_number": number, "key": key, "value": value}
        connection.execute(xcom.insert().values(**pushed, pushed_at=DAY))


def test_xcoms_are_found_by_task_in_order_of_their_instances(connection: sa.Connection, runs) -> None:
    push(connection, runs[0], "b", '"one"', map_index=1)
    push(connection, runs[0], "b", '"zero"', map_index=0)
    push(connection, runs[0], "a", "1")
    push(connection, runs[1], "a", "2")
    wanted = [(runs[0], "a", "k"), (runs[0], "b", "k"), (runs[1], "a", "k"), (runs[0], "a", "absent")]
    assert find_xcoms(connection, wanted) == {
        (runs[0], "a", "k"): [(-1, "1")],
        (runs[0], "b", "k"): [(0, '"zero"'), (1, '"one"')],
        (runs[1], "a", "k"): [(-1, "2")],
    }


def test_only_the_current_try_counts(connection: sa.Connection, runs) -> None:
    push(connection, runs[0], "a", "1", "2")
    assert find_xcoms(connection, [(runs[0], "a", "k")]) == {(runs[0], "a", "k"): [(-1, "2")]}


def search(connection: sa.Connection, *, dag_id="etl", run_id="r2", until=None):
    return search_xcoms(connection, dag_id=dag_id, run_id=run_id, task_ids=["a", "b"], key="k", until=until)


def test_a_run_is_searched_by_its_name(connection: sa.Connection, runs) -> None:
    push(connection, runs[1], "a", "1")
    push(connection, runs[3], "a", "3")
    assert search(connection, run_id="r1") == {"a": [(-1, "1")]}
    assert search(connection, dag_id="other", run_id="r0") == {"a": [(-1, "3")]}
    assert search(connection, run_id="none") == {}


def test_each_task_is_searched_in_the_latest_run_that_has_it(connection: sa.Connection, runs) -> None:
    push(connection, runs[0], "a", '"old"')
    push(connection, runs[1], "a", '"new"', map_index=0)
    push(connection, runs[1], "a", '"newer"', map_index=1)
    push(connection, runs[0], "b", '"only"')
    push(connection, runs[2], "b", '"later"', key="other")
    found = search(connection, until=day(2))
    assert found == {"a": [(0, '"new"'), (1, '"newer"')], "b": [(-1, '"only"')]}
    assert search(connection, until=day(0)) == {"a": [(-1, '"old"')], "b": [(-1, '"only"')]}
    assert search(connection, until=day(-1)) == {}


def test_results_of_a_mapped_task_are_counted_and_read_in_parts(connection: sa.Connection, runs) -> None:
    for index in (2, 0, 1, 3):
        push(connection, runs[0], "m", f"{index}", map_index=index)
    connection.execute(task_instance.update().values(state="success").where(task_instance.c.map_index != 1))
    name = (runs[0], "m", "k")
    assert count_xcoms(connection, name) == 3
    assert slice_xcoms(connection, name=name, start=1, limit=2) == [(2, "2"), (3, "3")]
    assert count_xcoms(connection, (runs[1], "m", "k")) == 0

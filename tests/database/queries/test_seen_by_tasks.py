from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from flowcore.database.queries.register_dags import register_dag
from flowcore.database.queries.seen_by_tasks import (
    count_dag_runs,
    count_task_instances,
    get_dag_run,
    get_previous_dag_run,
    get_previous_task_instance,
    list_selected,
)
from flowcore.database.queries.triggering import trigger_dag_run
from flowcore.database.tables import dag_run, task_instance
from flowcore.domain.dag_runs import DagRun, PastTaskInstance, RunFilter, TaskInstanceFilter
from flowcore.domain.dags import Dag
from flowcore.domain.states import DagRunState, TaskInstanceState

DAY = datetime(2026, 3, 1, tzinfo=UTC)
RUNS = {"r1": "success", "r2": "failed", "r3": "running"}


def day(number: int) -> datetime:
    return DAY + timedelta(days=number)


@pytest.fixture(autouse=True)
def _runs(connection: sa.Connection) -> None:
    """Runs `r1` to `r3` of `etl`, a day apart, each with tasks `a` and a mapped `b`; one of another Dag."""
    for name in ("etl", "other"):
        register_dag(connection, Dag(dag_id=name), now=DAY, paused_at_creation=False)
    for number, (run_id, state) in enumerate(RUNS.items(), 1):
        run = trigger(connection, "etl", run_id, day(number), state)
        add(connection, run, "a", "success" if state == "success" else "failed")
        add(connection, run, "b", "success", map_index=0)
        add(connection, run, "b", None, map_index=1)
    trigger(connection, "other", "r1", day(1), "success")


def trigger(connection: sa.Connection, dag_id: str, run_id: str, at: datetime, state: str) -> int:
    run = trigger_dag_run(connection, dag_id=dag_id, conf={"n": 1}, run_id=run_id, logical_date=at, now=at)
    connection.execute(dag_run.update().values(state=state, start_date=at).where(dag_run.c.id == run.id))
    return run.id


def add(connection: sa.Connection, run: int, task_id: str, state: str | None, *, map_index: int = -1) -> None:
    row = {
        "dag_run_id": run,
        "dag_id": "etl",
        "task_id": task_id,
        "position": "ab".index(task_id),
        "state": state,
        "map_index": map_index,
        "try_number": 1,
        "pool": "default_pool",
        "pool_slots": 1,
        "priority_weight": 1,
        "run_date": DAY,
        "start_date": DAY,
    }
    connection.execute(task_instance.insert().values(row))


def runs(**fields) -> RunFilter:
    return RunFilter(dag_id="etl", **fields)


def instances(**fields) -> TaskInstanceFilter:
    return TaskInstanceFilter(dag_id="etl", **fields)


def test_a_run_is_found_by_its_name(connection: sa.Connection) -> None:
    assert get_dag_run(connection, "etl", "r2") == DagRun(
        dag_id="etl",
        run_id="r2",
        run_type="manual",
        state=DagRunState.FAILED,
        run_after=day(2),
        logical_date=day(2),
        data_interval_start=day(2),
        data_interval_end=day(2),
        start_date=day(2),
        conf={"n": 1},
    )
    assert get_dag_run(connection, "etl", "none") is None


@pytest.mark.parametrize(
    ("before", "state", "expected"),
    [(day(3), None, "r2"), (day(3), "success", "r1"), (day(1), None, None), (day(9), "queued", None)],
)
def test_the_run_before_is_that_of_the_latest_date(
    connection: sa.Connection, before: datetime, state: str | None, expected: str | None
) -> None:
    found = get_previous_dag_run(connection, "etl", before, state)
    assert (found and found.run_id) == expected


@pytest.mark.parametrize(("state", "expected"), [(None, "r2"), ("success", "r1"), ("skipped", None)])
def test_the_instance_before_is_that_of_the_same_task(
    connection: sa.Connection, state: str | None, expected: str | None
) -> None:
    found = get_previous_task_instance(
        connection, dag_id="etl", task_id="a", map_index=-1, before=day(3), state=state
    )
    assert (found and found.run_id) == expected


def test_the_instance_before_is_told_in_full(connection: sa.Connection) -> None:
    found = get_previous_task_instance(
        connection, dag_id="etl", task_id="b", map_index=1, before=day(2), state=None
    )
    assert found == PastTaskInstance(
        dag_id="etl",
        run_id="r1",
        task_id="b",
        map_index=1,
        try_number=1,
        state=None,
        logical_date=day(1),
        start_date=DAY,
    )


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (runs(), 3),
        (runs(run_ids=("r1", "r3", "none")), 2),
        (runs(logical_dates=(day(1), day(2))), 2),
        (runs(states=("success", "failed")), 2),
        (runs(run_ids=("r1",), states=("failed",)), 0),
        (runs(run_ids=()), 0),
    ],
)
def test_runs_are_counted(connection: sa.Connection, selection: RunFilter, expected: int) -> None:
    assert count_dag_runs(connection, selection) == expected


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (instances(), 9),
        (instances(task_ids=("a",)), 3),
        (instances(map_index=1), 3),
        (instances(states=("none",)), 3),
        (instances(states=("success", "none"), run_ids=("r2",)), 2),
        (instances(logical_dates=(day(3),)), 3),
        (instances(task_ids=()), 0),
    ],
)
def test_task_instances_are_counted(
    connection: sa.Connection, selection: TaskInstanceFilter, expected: int
) -> None:
    assert count_task_instances(connection, selection) == expected


def test_task_instances_are_listed_by_run_in_dag_order(connection: sa.Connection) -> None:
    found = list_selected(connection, instances(run_ids=("r2", "r1")))
    assert [(item.run_id, item.task_id, item.map_index) for item in found] == [
        (run_id, *item) for run_id in ("r1", "r2") for item in (("a", -1), ("b", 0), ("b", 1))
    ]
    assert [item.state for item in found[:3]] == [TaskInstanceState.SUCCESS] * 2 + [None]

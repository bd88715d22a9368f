from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowcore.database import schema
from flowcore.database.queries.candidates import LeftOut, OpenPool, read_candidates
from flowcore.database.tables import dag, dag_run, task_instance

NOW = datetime(2026, 3, 1, tzinfo=UTC)
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


@attrs.frozen
class Waiting:
    """A task instance; it is scheduled unless it `holds` slots already. Run 1 has a limit of 2."""

    run: int = 2
    pool: str = "p"
    weight: int = 1
    slots: int = 1
    holds: bool = False
    waits_s: int = 0

    def might_fit(self, pool: OpenPool) -> bool:
        is_wide = pool.free is not None and pool.slots is not None and pool.free < self.slots <= pool.slots
        return not self.holds and self.pool == pool.name and (not is_wide or self.waits_s > 30)


def store(connection: sa.Connection, rows: Sequence[Waiting]) -> None:
    """Number the task instances from 1 in the order given."""
    connection.execute(dag.insert().values(dag_id="etl", max_active_runs=0))
    for run, limit in ((1, 2), (2, 0), (3, None)):
        connection.execute(
            dag_run.insert().values(
                id=run, dag_id="etl", run_id=str(run), dag_version_id=1, run_type="manual", state="running",
                run_after=EPOCH, conf={}, params={}, queued_at=EPOCH, max_active_tasks=limit,
            )
        )  # fmt: skip
    for number, row in enumerate(rows, 1):
        connection.execute(
            task_instance.insert().values(
                id=number, dag_run_id=row.run, dag_id="etl", task_id=f"t{number}", position=number,
                state="running" if row.holds else "scheduled", lease_id=1 if row.holds else None,
                pool=row.pool, pool_slots=row.slots,
                priority_weight=row.weight, run_date=EPOCH - timedelta(days=row.run),
                scheduled_at=NOW - timedelta(seconds=row.waits_s),
            )
        )  # fmt: skip


def read(
    connection: sa.Connection, pools: Iterable[OpenPool], *, rows: int = 1_000, **left_out: Any
) -> list[int]:
    found = read_candidates(
        connection,
        pools,
        LeftOut(**left_out),
        default_executor="local",
        patient_since=NOW - timedelta(seconds=30),
        rows=rows,
    )
    return [row.id for row in found]


ENDLESS = OpenPool("p", 100, None, None)


def test_heavier_ones_and_earlier_runs_come_first(connection: sa.Connection) -> None:
    store(connection, [Waiting(), Waiting(run=3), Waiting(weight=5), Waiting()])
    assert read(connection, [ENDLESS]) == [3, 2, 1, 4]


def test_nothing_is_read_of_a_run_that_is_full_however_much_waits_in_it(connection: sa.Connection) -> None:
    store(connection, [Waiting(run=1, holds=True)] * 2 + [Waiting(run=1, weight=9)] * 50 + [Waiting()])
    assert read(connection, [ENDLESS], rows=1) == [53]


def test_of_each_run_as_many_are_read_as_the_pool_could_take(connection: sa.Connection) -> None:
    store(connection, [Waiting(run=2), Waiting(run=3)] * 10)
    assert sorted(read(connection, [OpenPool("p", 2, 2, 4)])) == [1, 2, 3, 4]


def test_those_too_wide_for_what_is_free_are_read_only_once_they_have_waited(
    connection: sa.Connection,
) -> None:
    store(connection, [Waiting(slots=3), Waiting(slots=3, waits_s=60), Waiting(slots=9), Waiting()])
    assert read(connection, [OpenPool("p", 2, 2, 4)]) == [2, 3]  # the third can never run, and is told so
    assert read(connection, [OpenPool("p", 4, 2, 4)]) == [2, 3, 4]


@pytest.mark.parametrize(
    ("left_out", "expected"),
    [
        ({"seen": [1]}, [2, 3]),
        ({"full_runs": [2]}, [3]),
        ({"full_tasks": [("etl", "t2")]}, [1, 3]),
        ({"full_run_tasks": [(2, "t2"), (3, "t1")]}, [1, 3]),
        ({"full_places": [("local", "process")]}, [2]),
        ({"absent_dags": ["etl"]}, []),
    ],
)
def test_what_is_full_or_seen_is_left_out(
    connection: sa.Connection, left_out: dict[str, Any], expected: list[int]
) -> None:
    store(connection, [Waiting(), Waiting(), Waiting(run=3)])
    connection.execute(sa.text("UPDATE task_instance SET runs_in = 'process' WHERE id <> 2"))
    assert sorted(read(connection, [ENDLESS], **left_out)) == expected


@pytest.mark.parametrize("change", ["dag SET is_paused = true", "dag_run SET state = 'failed'"])
def test_nothing_is_read_of_a_dag_that_is_paused_or_a_run_that_has_ended(
    connection: sa.Connection, change: str
) -> None:
    store(connection, [Waiting()])
    connection.execute(sa.text(f"UPDATE {change}"))
    assert read(connection, [ENDLESS]) == []


WAITING = st.lists(
    st.builds(
        Waiting,
        run=st.integers(1, 3),
        pool=st.sampled_from("pq"),
        weight=st.integers(1, 2),
        slots=st.integers(1, 5),
        holds=st.booleans(),
        waits_s=st.sampled_from([0, 60]),
    ),
    max_size=12,
)
POOLS = [OpenPool("p", 2, 2, 4), OpenPool("q", 3, None, None)]


def expected(rows: Sequence[Waiting]) -> set[int]:
    """Of each pool, run with room, and priority the first that might fit, as many as the pool picks."""
    holding = [row.run for row in rows if row.holds]
    found: dict[tuple[str, int, int], list[int]] = {}
    for number, row in enumerate(rows, 1):
        if row.run != 1 or holding.count(1) < 2:
            found.setdefault((row.pool, row.run, row.weight), []).append(number)
    picked: set[int] = set()
    for (name, _, _), numbers in found.items():
        [pool] = [each for each in POOLS if each.name == name]
        picked |= set([number for number in numbers if rows[number - 1].might_fit(pool)][: pool.picks])
    return picked


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(WAITING)
def test_exactly_those_are_read_who_might_be_taken(engine: sa.Engine, rows: list[Waiting]) -> None:
    with engine.connect() as connection:
        schema.prepare(connection)
        store(connection, rows)
        assert set(read(connection, POOLS)) == expected(rows)
        connection.rollback()

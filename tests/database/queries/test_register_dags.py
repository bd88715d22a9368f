from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, timedelta
from typing import Any

import attrs
import pytest
import sqlalchemy as sa

from flowcore.database import schema
from flowcore.database.queries.register_dags import register_dag, register_dags
from flowcore.database.tables import dag, dag_version
from flowcore.domain.dag_files import NewVersion
from flowcore.domain.dags import Dag
from flowcore.domain.timetables.registry import timetable_for
from flowcore.errors import DagError
from tests.support.plans import engine_on
from tests.support.scheduling import NOW, chain, single

HOURLY = single(timetable=timetable_for("0 * * * *", UTC).serialize(), start_date=NOW - timedelta(hours=3))


def register(connection: sa.Connection, registered: Dag, *, paused_at_creation: bool = False) -> int:
    return register_dag(connection, registered, now=NOW, paused_at_creation=paused_at_creation)


def row_of(connection: sa.Connection) -> sa.Row[Any]:
    return connection.execute(sa.select(dag)).one()


def versions(connection: sa.Connection) -> list[int]:
    return list(connection.scalars(sa.select(dag_version.c.version_number).order_by(dag_version.c.id)))


def test_an_unchanged_dag_gets_no_new_version(connection: sa.Connection) -> None:
    assert register(connection, HOURLY) == register(connection, HOURLY)
    assert versions(connection) == [1]


def test_a_moved_folder_is_no_new_version(connection: sa.Connection) -> None:
    first = register(connection, attrs.evolve(HOURLY, fileloc="/old/etl.py"))
    assert register(connection, attrs.evolve(HOURLY, fileloc="/new/etl.py")) == first
    assert row_of(connection).fileloc == "/new/etl.py"


def test_a_batch_takes_as_many_statements_as_one_dag(connection: sa.Connection) -> None:
    counts = []
    for size in (1, 50):
        executed: list[str] = []

        def note(_: object, __: object, statement: str, *others: object, seen: list[str] = executed) -> None:
            seen.append(statement)

        batch = [NewVersion.of(single(f"of_{size}_{number}")) for number in range(size)]
        sa.event.listen(connection, "before_cursor_execute", note)
        register_dags(connection, batch, now=NOW, paused_at_creation=False)
        sa.event.remove(connection, "before_cursor_execute", note)
        counts.append(len(executed))
    assert counts[0] == counts[1] > 0


def test_every_dag_of_a_batch_has_versions_of_its_own(connection: sa.Connection) -> None:
    dags = [single("b"), single("a"), single("c")]
    ids = register_dags(connection, map(NewVersion.of, dags), now=NOW, paused_at_creation=False)
    newest = attrs.evolve(dags[0], catchup=True)
    newer = register_dags(connection, [NewVersion.of(newest)], now=NOW, paused_at_creation=False)
    rows = connection.execute(sa.select(dag_version.c.id, dag_version.c.dag_id, dag_version.c.version_number))
    assert {tuple(row) for row in rows} == {
        *((ids[dag.dag_id], dag.dag_id, 1) for dag in dags),
        (newer["b"], "b", 2),
    }


@pytest.fixture
def together(scene_postgres: str) -> Iterator[tuple[sa.Connection, sa.Connection]]:
    """Two processes, neither of which waits for the other, that know the Dag `known`."""
    with engine_on(scene_postgres) as engine, engine.connect() as first, engine.connect() as second:
        schema.prepare(first)
        register(first, single("known"))
        first.commit()
        for connection in (first, second):
            connection.execute(sa.text("SET lock_timeout = '50ms'"))
        yield first, second


def register_soon(connection: sa.Connection, *dags: Dag) -> set[str]:
    new = [NewVersion.of(each) for each in dags]
    return {*register_dags(connection, new, now=NOW, paused_at_creation=False, patiently=False)}


def test_what_is_as_it_was_is_registered_while_somebody_works_on_it(
    together: tuple[sa.Connection, sa.Connection],
) -> None:
    first, second = together
    first.execute(sa.select(dag).with_for_update())
    assert register_soon(second, single("known")) == {"known"}


def test_a_changed_dag_is_left_out_while_somebody_works_on_it(
    together: tuple[sa.Connection, sa.Connection],
) -> None:
    first, second = together
    first.execute(sa.select(dag).with_for_update())
    assert register_soon(second, single("known", catchup=True), single("new")) == {"new"}
    first.commit()
    assert register_soon(second, single("known", catchup=True)) == {"known"}


def test_two_who_register_the_same_new_dags_do_not_wait_for_each_other(
    together: tuple[sa.Connection, sa.Connection],
) -> None:
    first, second = together
    both = [single("both_a"), single("both_b")]
    assert register_soon(first, *both) == {"both_a", "both_b"}
    assert register_soon(second, *reversed(both), single("only")) == {"only"}
    first.commit()
    second.commit()
    assert register_soon(second, *both) == {"both_a", "both_b"}
    assert second.scalar(sa.select(sa.func.count()).select_from(dag_version)) == 4


@pytest.mark.postgres
def test_a_number_that_no_column_holds_is_the_authors_mistake(scene_postgres: str) -> None:
    with engine_on(scene_postgres) as engine, engine.connect() as connection:
        schema.prepare(connection)
        with pytest.raises(DagError, match=r"Dag 'etl' cannot be stored \(.*use a smaller number"):
            register(connection, single(max_active_runs=2**40))


def test_a_changed_dag_gets_a_new_version(connection: sa.Connection) -> None:
    register(connection, HOURLY)
    newest = register(connection, attrs.evolve(HOURLY, catchup=True))
    assert versions(connection) == [1, 2]
    assert row_of(connection).latest_version_id == newest


def test_a_dag_that_is_as_it_was_before_gets_its_old_version_back(connection: sa.Connection) -> None:
    first = register(connection, chain(1))
    register(connection, chain(2))
    assert register(connection, chain(1)) == first
    assert row_of(connection).latest_version_id == first


def test_a_new_version_goes_on_with_the_schedule_where_it_was(connection: sa.Connection) -> None:
    register(connection, HOURLY)
    covered = {"last_interval_start": NOW, "last_interval_end": NOW}
    connection.execute(dag.update().values(covered))
    register(connection, attrs.evolve(HOURLY, doc_md="changed"))
    row = row_of(connection)
    assert (row.last_interval_end, row.next_run_after) == (NOW, NOW + timedelta(hours=1))


def test_a_dag_without_schedule_is_never_due(connection: sa.Connection) -> None:
    register(connection, HOURLY)
    register(connection, single())
    assert row_of(connection).next_run_after is None


def test_a_timetable_may_allow_fewer_runs_at_once_than_the_dag(connection: sa.Connection) -> None:
    continuous = timetable_for("@continuous", UTC).serialize()
    register(connection, single(timetable=continuous, start_date=NOW, max_active_runs=9))
    assert row_of(connection).max_active_runs == 1


@pytest.mark.parametrize(
    ("says", "default", "expected"),
    [(None, False, False), (None, True, True), (True, False, True), (False, True, False)],
)
def test_a_new_dag_is_paused_as_it_says_itself_or_else_as_usual(
    connection: sa.Connection, says: bool | None, default: bool, expected: bool
) -> None:
    register(connection, single(is_paused_upon_creation=says), paused_at_creation=default)
    assert row_of(connection).is_paused is expected


def test_a_known_dag_stays_paused_as_it_is(connection: sa.Connection) -> None:
    register(connection, single(), paused_at_creation=True)
    register(connection, chain(2), paused_at_creation=False)
    assert row_of(connection).is_paused


def test_a_dag_that_had_gone_is_active_again(connection: sa.Connection) -> None:
    register(connection, HOURLY)
    connection.execute(dag.update().values(is_active=False))
    register(connection, HOURLY)
    assert row_of(connection).is_active


def test_a_schedule_that_leads_out_of_the_calendar_is_noted(connection: sa.Connection) -> None:
    endless = timetable_for(timedelta(days=999_999_999), UTC).serialize()
    register(connection, single(timetable=endless, start_date=NOW))
    connection.execute(dag.update().values(last_interval_start=NOW, last_interval_end=NOW))
    register(connection, single(timetable=endless, start_date=NOW, doc_md="changed"))
    row = row_of(connection)
    assert row.next_run_after is None
    assert "out of range" in row.schedule_error

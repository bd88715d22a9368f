from __future__ import annotations

import pytest
import sqlalchemy as sa

from flowcore.database import schema
from flowcore.database.queries.planner_statistics import NOTICEABLE, note_growth
from tests.support.plans import engine_on

INSERT = """
INSERT INTO task_instance (dag_run_id, dag_id, task_id, position, map_index, try_number, max_tries, pool,
                           pool_slots, priority_weight, run_date)
SELECT n, 'etl', 't', 0, -1, 1, 0, 'default_pool', 1, 1, now() FROM generate_series({first}, {last}) AS n
"""


def believed(connection: sa.Connection) -> int:
    return int(connection.scalar(sa.text("SELECT reltuples FROM pg_class WHERE relname = 'task_instance'")))


def insert(connection: sa.Connection, first: int, last: int) -> None:
    connection.execute(sa.text(INSERT.format(first=first, last=last)))
    note_growth(connection, inserted=last - first + 1)


@pytest.mark.parametrize("batch", [NOTICEABLE, 100])
def test_the_planner_knows_of_a_table_that_grew_in_batches_of_any_size(postgres_url: str, batch: int) -> None:
    with engine_on(postgres_url) as engine, engine.connect() as connection:
        schema.prepare(connection)
        for first in range(1, NOTICEABLE + 1, batch):
            assert believed(connection) <= 0
            insert(connection, first, first + batch - 1)
        assert believed(connection) == NOTICEABLE


def test_a_table_is_analyzed_each_time_that_it_has_doubled(postgres_url: str) -> None:
    with engine_on(postgres_url) as engine, engine.connect() as connection:
        schema.prepare(connection)
        seen = set()
        for first in range(1, 8 * NOTICEABLE + 1, NOTICEABLE // 2):
            insert(connection, first, first + NOTICEABLE // 2 - 1)
            seen.add(believed(connection))
        assert seen == {-1, 1_000, 2_000, 4_000, 8_000}


def test_other_databases_are_left_alone() -> None:
    with sa.create_engine("sqlite://").connect() as connection:
        note_growth(connection, inserted=10 * NOTICEABLE)

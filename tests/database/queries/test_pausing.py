from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from flowcore.database.queries.listing_dags import list_dags
from flowcore.database.queries.pausing import set_paused
from flowcore.database.queries.register_dags import register_dag
from flowcore.database.tables import dag
from flowcore.database.wakeups import take_channels
from flowcore.domain.dags import Dag
from flowcore.errors import DagNotFound


@pytest.fixture
def connection(connection: sa.Connection) -> sa.Connection:
    """Knows the Dags `etl` and `other`."""
    for dag_id in ("etl", "other"):
        register_dag(connection, Dag(dag_id=dag_id), now=datetime.now(UTC), paused_at_creation=False)
    take_channels(connection)
    return connection


def test_pausing_concerns_one_dag(connection: sa.Connection) -> None:
    set_paused(connection, "etl", True)
    assert [(listed.dag_id, listed.is_paused) for listed in list_dags(connection)] == [
        ("etl", True),
        ("other", False),
    ]


def test_pausing_wakes_nobody(connection: sa.Connection) -> None:
    set_paused(connection, "etl", True)
    assert take_channels(connection) == ()


def test_unpausing_wakes_those_who_left_the_dag_alone(connection: sa.Connection) -> None:
    set_paused(connection, "etl", True)
    set_paused(connection, "etl", False)
    assert not any(listed.is_paused for listed in list_dags(connection))
    assert take_channels(connection) == ("dags", "scheduled")


def test_only_a_known_dag_can_be_paused(connection: sa.Connection) -> None:
    with pytest.raises(DagNotFound, match="there is no Dag 'absent'; known: etl, other"):
        set_paused(connection, "absent", True)


def test_a_dag_can_be_paused_before_its_file_comes_back(connection: sa.Connection) -> None:
    connection.execute(dag.update().where(dag.c.dag_id == "other").values(is_active=False))
    set_paused(connection, "other", True)
    assert [listed.is_paused for listed in list_dags(connection)] == [False, True]

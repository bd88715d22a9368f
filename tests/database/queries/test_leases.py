from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from flowcore.database.queries.leases import acquire_lease, release_lease, renew_lease
from flowcore.database.tables import lease, task_instance
from flowcore.errors import DatabaseInUse
from tests.support.scheduling import NOW


def acquire(connection: sa.Connection, *, alone: bool = False) -> int:
    return acquire_lease(connection, "scheduler", 60, alone)


def row_of(connection: sa.Connection, lease_id: int) -> sa.Row[Any]:
    return connection.execute(sa.select(lease).where(lease.c.id == lease_id)).one()


def hold(connection: sa.Connection, lease_id: int | None, *, state: str) -> None:
    values = {"dag_run_id": 1, "dag_id": "etl", "task_id": "a", "position": 0, "pool": "default_pool"}
    more = {"pool_slots": 1, "priority_weight": 1, "run_date": NOW, "state": state, "lease_id": lease_id}
    connection.execute(task_instance.insert().values({**values, **more}))


def dead_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_lease_tells_who_holds_it_and_until_when(connection: sa.Connection) -> None:
    row = row_of(connection, acquire(connection))
    assert (row.kind, row.pid) == ("scheduler", os.getpid())
    assert abs(row.expires_at - row.started_at - timedelta(seconds=60)) < timedelta(seconds=1)


def test_a_renewal_extends_the_lease_from_now_on(connection: sa.Connection) -> None:
    lease_id = acquire(connection)
    before = row_of(connection, lease_id).expires_at
    assert renew_lease(connection, lease_id, 600)
    assert row_of(connection, lease_id).expires_at - before > timedelta(seconds=500)


def test_a_lease_that_was_taken_over_cannot_be_renewed(connection: sa.Connection) -> None:
    lease_id = acquire(connection)
    connection.execute(lease.delete())
    assert not renew_lease(connection, lease_id, 60)


def test_several_may_share_a_database(connection: sa.Connection) -> None:
    assert acquire(connection) != acquire(connection)


def test_who_wants_the_database_alone_is_refused_while_another_lives(connection: sa.Connection) -> None:
    acquire(connection)
    with pytest.raises(DatabaseInUse, match=f"process {os.getpid()} on .* already uses this SQLite database"):
        acquire(connection, alone=True)


def test_a_lease_that_lapsed_is_no_obstacle(connection: sa.Connection) -> None:
    acquire(connection)
    connection.execute(lease.update().values(expires_at=NOW.replace(year=2000)))
    assert acquire(connection, alone=True)


def test_a_process_that_was_killed_is_no_obstacle_and_its_lease_lapses(connection: sa.Connection) -> None:
    killed = acquire(connection)
    connection.execute(lease.update().values(pid=dead_process()))
    newer = acquire(connection, alone=True)
    assert row_of(connection, killed).expires_at < row_of(connection, newer).expires_at - timedelta(
        seconds=50
    )


def test_a_process_on_another_machine_may_be_alive(connection: sa.Connection) -> None:
    acquire(connection)
    connection.execute(lease.update().values(pid=dead_process(), hostname="elsewhere"))
    with pytest.raises(DatabaseInUse, match="on elsewhere"):
        acquire(connection, alone=True)


@pytest.mark.parametrize("state", ["queued", "running", "restarting", "success"])
def test_a_lease_with_tries_that_may_be_alive_is_not_released(connection: sa.Connection, state: str) -> None:
    lease_id = acquire(connection)
    hold(connection, lease_id, state=state)
    assert not release_lease(connection, lease_id)
    assert row_of(connection, lease_id).id == lease_id


def test_tries_that_have_ended_do_not_hold_a_lease(connection: sa.Connection) -> None:
    lease_id = acquire(connection)
    hold(connection, None, state="success")
    hold_by_another = acquire(connection)
    assert release_lease(connection, lease_id)
    assert connection.scalars(sa.select(lease.c.id)).all() == [hold_by_another]

"""Leases: who is alive, on the database's clock.

A process that holds tries has one row, renewed in one statement however many tries it holds; the tries
point at it. A row that lapsed belongs to a dead process: whoever recovers its tries deletes it.
"""

from __future__ import annotations

import os
import socket
from typing import Any

import sqlalchemy as sa

from flowcore.database.queries.claims import is_active, is_revoked
from flowcore.database.tables import lease, task_instance
from flowcore.database.types import database_now
from flowcore.errors import DatabaseInUse

_TTL = sa.bindparam("ttl_s", type_=sa.Float)
_ACQUIRE = (
    lease.insert()
    .values(
        kind=sa.bindparam("kind"),
        hostname=sa.bindparam("hostname"),
        pid=sa.bindparam("pid"),
        started_at=database_now(),
        expires_at=database_now(_TTL),
    )
    .returning(lease.c.id)
)
_RENEW = lease.update().values(expires_at=database_now(_TTL)).where(lease.c.id == sa.bindparam("lease"))
_is_held = task_instance.c.lease_id == sa.bindparam("lease")
_RELEASE = lease.delete().where(
    lease.c.id == sa.bindparam("lease"),
    # Two conditions for two partial indexes; a try that was revoked may still be alive, too.
    ~sa.exists().where(_is_held, is_active(task_instance.c.state)),
    ~sa.exists().where(_is_held, is_revoked(task_instance.c.state)),
)
_LIVE = sa.select(lease).where(lease.c.kind == sa.bindparam("kind"), lease.c.expires_at > database_now())


def acquire_lease(connection: sa.Connection, kind: str, ttl_s: float, alone: bool) -> int:
    """Insert this process's lease for `ttl_s` seconds; `alone` refuses to share the database.

    Raises:
        DatabaseInUse: another process that is alive holds a lease of this kind, and `alone` was asked.
    """
    if alone:
        for row in connection.execute(_LIVE, {"kind": kind}).all():
            _refuse_unless_dead(connection, row)
    return int(
        connection.execute(
            _ACQUIRE, {"kind": kind, "hostname": socket.gethostname(), "pid": os.getpid(), "ttl_s": ttl_s}
        ).scalar_one()
    )


def renew_lease(connection: sa.Connection, lease_id: int, ttl_s: float) -> bool:
    """Extend the lease by `ttl_s` seconds from now; false when others have taken it over."""
    return connection.execute(_RENEW, {"lease": lease_id, "ttl_s": ttl_s}).rowcount > 0


def release_lease(connection: sa.Connection, lease_id: int) -> bool:
    """Give the lease up; false when tries still point at it: then it has to lapse."""
    return connection.execute(_RELEASE, {"lease": lease_id}).rowcount > 0


def _refuse_unless_dead(connection: sa.Connection, row: sa.Row[Any]) -> None:
    if row.hostname == socket.gethostname() and not _is_alive(row.pid):
        # It was killed: its tries need not wait for the lease to lapse.
        connection.execute(lease.update().where(lease.c.id == row.id).values(expires_at=database_now()))
        return
    raise DatabaseInUse(
        f"a scheduler (process {row.pid} on {row.hostname}) already uses this SQLite database; "
        "stop it first, or use PostgreSQL, which several schedulers can share"
    )


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

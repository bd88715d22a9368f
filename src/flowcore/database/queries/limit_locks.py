"""Locks on what has no row that could be locked: limits that tell across pools, Dags that are not stored yet.

They are PostgreSQL's advisory locks, which nobody else uses for its rows, and end with the transaction.
Nobody waits for them, so their order does not matter. SQLite has one writer at a time.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection

import sqlalchemy as sa

from flowcore.database.queries.claims import ids
from flowcore.database.rows import dump_rows

_keys = ids("keys").subquery()
_TRY = sa.select(_keys.c.id).where(~sa.func.pg_try_advisory_xact_lock(_keys.c.id))


def run_key(dag_run_id: int) -> int:
    """Name the lock on the limits of a run."""
    return dag_run_id * 2


def dag_key(dag_id: str) -> int:
    """Name the lock on the limits that hold for a Dag as a whole; two Dags may share one."""
    return zlib.crc32(dag_id.encode()) * 2 + 1


def registration_key(dag_id: str) -> int:
    """Name the lock on the registration of a Dag; two Dags may share one."""
    return -1 - zlib.crc32(dag_id.encode())


def try_lock(connection: sa.Connection, keys: Collection[int]) -> frozenset[int]:
    """Lock these until the end of the transaction; returns the ones that another scheduler has."""
    if not keys or connection.dialect.name != "postgresql":
        return frozenset()
    return frozenset(connection.scalars(_TRY, {"keys": dump_rows((key,) for key in sorted(keys))}))

"""Loads: what a simulation is given to do, as one value."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import attrs
import sqlalchemy as sa

from flowcore.database.queries.register_dags import register_dag
from flowcore.database.queries.triggering import trigger_dag_run
from flowcore.database.tables import pool
from flowcore.domain.dags import Dag
from flowcore.testing.clock import EPOCH
from flowcore.testing.schemas import prepare_in_memory
from flowcore.testing.scripts import Script

_REPLACED = pool.delete().where(pool.c.name == sa.bindparam("replaced"))
_INSERT = pool.insert()


@attrs.frozen
class RunRequest:
    """A run that somebody triggers; two of the same logical date are a conflict."""

    dag_id: str
    logical_date: datetime


@attrs.frozen
class Load:
    """Dags, the runs that are asked for, how tries end, and the pools (slots by name; -1: no limit)."""

    dags: tuple[Dag, ...]
    requests: tuple[RunRequest, ...]
    script: Script = attrs.field(factory=Script)
    pools: Mapping[str, int] = attrs.field(factory=dict)

    @property
    def dags_by_id(self) -> Mapping[str, Dag]:
        """The Dags by their ids."""
        return {dag.dag_id: dag for dag in self.dags}


def store_load(connection: sa.Connection, load: Load, *, now: datetime = EPOCH) -> None:
    """Create the schema, the pools and the Dags of a load in an empty database: a unit of work."""
    prepare_in_memory(connection)
    for name, slots in load.pools.items():
        connection.execute(_REPLACED, {"replaced": name})
        connection.execute(_INSERT, {"name": name, "slots": slots})
    for dag in load.dags:
        register_dag(connection, dag, now=now, paused_at_creation=False)


def store_request(connection: sa.Connection, request: RunRequest, number: int, *, now: datetime) -> None:
    """Trigger a run: a unit of work.

    Raises:
        UsageError: there is a run of that logical date already.
    """
    trigger_dag_run(
        connection,
        dag_id=request.dag_id,
        conf={},
        run_id=f"request_{number}",
        logical_date=request.logical_date,
        now=now,
    )

"""Pause a Dag, or let it go on."""

from __future__ import annotations

import sqlalchemy as sa

from flowcore.database.queries.listing_dags import dag_not_found
from flowcore.database.tables import dag
from flowcore.database.wakeups import wake
from flowcore.scheduler.wake_graph import Channel


def set_paused(connection: sa.Connection, dag_id: str, is_paused: bool) -> None:
    """Pause the Dag, or let it go on; tries that run already are not touched.

    Raises:
        DagNotFound: no Dag of that id is registered.
    """
    changed = connection.execute(dag.update().where(dag.c.dag_id == dag_id).values(is_paused=is_paused))
    if not changed.rowcount:
        raise dag_not_found(connection, dag_id)
    if not is_paused:
        # Runs may be due, queued runs may start, and scheduled task instances may be queued.
        wake(connection, Channel.DAGS)
        wake(connection, Channel.SCHEDULED)

"""Remove what runs left as XComs outside of the database, once their rows are gone."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TypeVar

import anyio.to_thread
import sqlalchemy as sa

from flowcore.abc import XComBackend
from flowcore.database.lanes import BoundUnit, Database
from flowcore.database.queries.deleting import tried_places
from flowcore.domain.xcoms import XComPlace

log = logging.getLogger(__name__)

T = TypeVar("T")


async def delete_with_xcoms(
    database: Database, delete: BoundUnit[T], xcoms: XComBackend, *, dag_id: str, run_id: str | None = None
) -> T:
    """Run a unit that deletes a run, or without `run_id` a Dag; then remove what their tries left outside."""
    if not xcoms.waits:
        return await database.run(delete)
    result, places = await database.run(_delete, delete, dag_id=dag_id, run_id=run_id)
    for place in places:
        await anyio.to_thread.run_sync(purge, xcoms, place)
    return result


def purge(xcoms: XComBackend, place: XComPlace) -> None:
    """Remove what a task instance left outside; may wait for the storage. What cannot be removed stays."""
    try:
        xcoms.purge(place)
    except Exception as error:
        # The rows are gone: nobody would come back to this.
        log.warning(
            "what %s/%s/%s left as XComs stays there: %r", place.dag_id, place.run_id, place.task_id, error
        )


def _delete(
    connection: sa.Connection, delete: BoundUnit[T], *, dag_id: str, run_id: str | None
) -> tuple[T, Sequence[XComPlace]]:
    places = tried_places(connection, dag_id, run_id)
    return delete(connection), places

"""What the database knows of Dags, for those who look from outside.

Lists are complete and ordered, so that two calls can be compared. Times are aware and in UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import attrs
import sqlalchemy as sa

from flowcore.database.tables import dag, dag_version, import_error
from flowcore.domain.dags import Dag
from flowcore.domain.serialization import load_dag
from flowcore.errors import DagNotFound

_d = dag.c
_DAGS = sa.select(
    _d.dag_id,
    _d.fileloc,
    _d.is_active,
    _d.is_paused,
    _d.timetable_summary,
    _d.next_run_after,
    _d.schedule_error,
    _d.last_parsed_at,
).order_by(_d.dag_id)
_ACTIVE_IDS = sa.select(_d.dag_id).where(_d.is_active.is_(sa.true()))
_LATEST = (
    sa.select(dag_version.c.document, _d.fileloc)
    .join(dag, _d.latest_version_id == dag_version.c.id)
    .where(_d.dag_id == sa.bindparam("dag"))
)
_NEXT = sa.select(
    _d.next_run_after, _d.next_logical_date, _d.next_interval_start, _d.next_interval_end
).where(_d.dag_id == sa.bindparam("dag"))
_IMPORT_ERRORS = sa.select(
    import_error.c.fileloc, import_error.c.message, import_error.c.detail, import_error.c.seen_at
).order_by(import_error.c.fileloc)


@attrs.frozen
class ListedDag:
    """A Dag; `schedule_error` says why no runs are created, if that is so.

    Without `is_active` its file is gone, or makes it no longer.
    """

    dag_id: str
    fileloc: str | None
    is_active: bool
    is_paused: bool
    schedule: str | None
    next_run_after: datetime | None
    schedule_error: str | None
    last_parsed_at: datetime | None


@attrs.frozen
class NextRun:
    """The scheduled run that comes next; all None when none is due ever."""

    run_after: datetime | None
    logical_date: datetime | None
    data_interval_start: datetime | None
    data_interval_end: datetime | None


@attrs.frozen
class ListedImportError:
    """A Dag file that could not be imported when it was last read."""

    fileloc: str
    message: str
    detail: str | None
    seen_at: datetime


def list_dags(connection: sa.Connection) -> Sequence[ListedDag]:
    """All Dags, by id."""
    return [ListedDag(*row) for row in connection.execute(_DAGS)]


def latest_dag(connection: sa.Connection, dag_id: str) -> Dag:
    """The newest version of a Dag.

    Raises:
        DagNotFound: no Dag of that id is registered.
    """
    latest = connection.execute(_LATEST, {"dag": dag_id}).one_or_none()
    if latest is None:
        raise dag_not_found(connection, dag_id)
    return attrs.evolve(load_dag(latest.document), fileloc=latest.fileloc)


def next_run(connection: sa.Connection, dag_id: str) -> NextRun:
    """When the Dag runs next by its schedule; a paused Dag's is what is due once it is unpaused.

    Raises:
        DagNotFound: no Dag of that id is registered.
    """
    row = connection.execute(_NEXT, {"dag": dag_id}).one_or_none()
    if row is None:
        raise dag_not_found(connection, dag_id)
    return NextRun(*row)


def list_import_errors(connection: sa.Connection) -> Sequence[ListedImportError]:
    """The Dag files that could not be imported, by path."""
    return [ListedImportError(*row) for row in connection.execute(_IMPORT_ERRORS)]


def dag_not_found(connection: sa.Connection, dag_id: str) -> DagNotFound:
    """The error to raise for an unknown id; it names the Dags that are known."""
    return DagNotFound(dag_id, tuple(connection.scalars(_ACTIVE_IDS)))

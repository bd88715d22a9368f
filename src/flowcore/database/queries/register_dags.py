"""Make a Dag known: its newest version and its schedule."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from flowcore.database.queries.schedules import last_interval_of, restriction_of, schedule_values
from flowcore.database.tables import dag, dag_version
from flowcore.database.wakeups import wake
from flowcore.domain.dags import Dag
from flowcore.domain.serialization import content_hash, dump_dag
from flowcore.domain.timetables.base import DagRunInfo, DataInterval, Timetable
from flowcore.domain.timetables.registry import load_timetable
from flowcore.errors import DagError
from flowcore.scheduler.wake_graph import Channel

_INSERT = {
    "postgresql": postgresql_insert(dag).on_conflict_do_nothing(),
    "sqlite": sqlite_insert(dag).on_conflict_do_nothing(),
}
_LOCK = sa.select(dag).where(dag.c.dag_id == sa.bindparam("key")).with_for_update(key_share=True)
_VERSION = sa.select(dag_version.c.id).where(
    dag_version.c.dag_id == sa.bindparam("key"), dag_version.c.content_hash == sa.bindparam("hash")
)
_NEWEST = sa.select(sa.func.coalesce(sa.func.max(dag_version.c.version_number), 0)).where(
    dag_version.c.dag_id == sa.bindparam("key")
)
_UPDATE = dag.update().where(dag.c.dag_id == sa.bindparam("key"))


def register_dag(
    connection: sa.Connection, registered: Dag, *, now: datetime, paused_at_creation: bool
) -> int:
    """Store the Dag if it is new or changed; the id of its version.

    A Dag seen for the first time is paused if it says so itself, else as `paused_at_creation` says.

    Raises:
        DagError: the database cannot keep a text of the Dag.
    """
    paused = registered.is_paused_upon_creation
    row = {
        "dag_id": registered.dag_id,
        "max_active_runs": registered.max_active_runs,
        "is_paused": paused_at_creation if paused is None else paused,
        "is_active": True,
    }
    connection.execute(_INSERT[connection.dialect.name].values(row))
    known = connection.execute(_LOCK, {"key": registered.dag_id}).one()
    version_id = _version_of(connection, registered, now)
    if version_id != known.latest_version_id or not known.is_active:
        _update(connection, registered, known, version_id, now)
    # Also when nothing changed: a routine may have passed over the row while we had it locked.
    wake(connection, Channel.DAGS)
    return version_id


def _version_of(connection: sa.Connection, registered: Dag, now: datetime) -> int:
    document = dump_dag(registered)
    digest = content_hash(document)
    found = connection.scalar(_VERSION, {"key": registered.dag_id, "hash": digest})
    if found is not None:
        return int(found)
    insert = dag_version.insert().values(
        dag_id=registered.dag_id,
        version_number=connection.execute(_NEWEST, {"key": registered.dag_id}).scalar_one() + 1,
        content_hash=digest,
        document=document,
        created_at=now,
    )
    try:
        return int(connection.execute(insert.returning(dag_version.c.id)).scalar_one())
    except sa.exc.DataError as error:
        raise DagError(
            f"Dag {registered.dag_id!r} cannot be stored ({error.orig}); leave NUL and halves of surrogate"
            " pairs out of its texts"
        ) from error


def _update(
    connection: sa.Connection,
    registered: Dag,
    known: sa.Row[tuple[object, ...]],
    version_id: int,
    now: datetime,
) -> None:
    timetable = load_timetable(registered.timetable)
    last = last_interval_of(known)
    coming, schedule_error = _coming_run(timetable, registered, last, now)
    limit = timetable.active_runs_limit
    connection.execute(
        _UPDATE,
        {
            "key": registered.dag_id,
            "latest_version_id": version_id,
            "max_active_runs": registered.max_active_runs if limit is None else limit,
            "timetable_summary": timetable.summary,
            "fileloc": registered.fileloc,
            "is_active": True,
            "schedule_error": schedule_error,
            "last_parsed_at": now,
            **schedule_values(last, coming),
        },
    )


def _coming_run(
    timetable: Timetable, registered: Dag, last: DataInterval | None, now: datetime
) -> tuple[DagRunInfo | None, str | None]:
    restriction = restriction_of(registered)
    try:
        return timetable.next_dagrun_info(
            last_automated_data_interval=last, restriction=restriction, now=now
        ), None
    except (DagError, OverflowError) as error:
        # Dags are registered together: one that has no next run must not keep the others out.
        return None, str(error)

"""Make Dags known: their newest versions, their schedules. A batch costs as many statements as one Dag.

Most of what is registered is as it was: that is found out without a lock. Of the rest, a Dag that another
process has in hand may be left out for the moment, so that nobody waits for another one's transaction.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from flowcore.database.queries.asset_references import keep_asset_references
from flowcore.database.queries.checking_assets import asset_complaints
from flowcore.database.queries.claims import names
from flowcore.database.queries.insert_dag_versions import insert_dag_versions, known_as_they_are
from flowcore.database.queries.limit_locks import registration_key, try_lock
from flowcore.database.queries.schedules import last_interval_of, restriction_of, schedule_values
from flowcore.database.rows import dump_rows, rows_of
from flowcore.database.tables import dag
from flowcore.database.types import UtcDateTime
from flowcore.database.wakeups import wake
from flowcore.domain.dag_files import NewVersion
from flowcore.domain.dags import Dag
from flowcore.domain.run_types import DagRunType
from flowcore.domain.timetables.following import next_run
from flowcore.domain.timetables.registry import load_timetable
from flowcore.errors import DagError
from flowcore.scheduler.wake_graph import Channel

log = logging.getLogger(__name__)

Row = sa.Row[*tuple[Any, ...]]

#: Seconds after which to give those again that were left out: a transaction takes about as long.
LEFT_OUT_S = 0.02

_new = rows_of("new", dag_id=sa.Text, max_active_runs=sa.Integer, is_paused=sa.Boolean, is_active=sa.Boolean)
# SQLite cannot tell ON CONFLICT from a join's ON unless the SELECT has a WHERE.
_source = sa.select(_new).where(sa.true()).order_by(_new.c.dag_id)
_INSERT = {
    dialect: insert(dag).on_conflict_do_nothing().from_select(_new.c.keys(), _source, include_defaults=False)
    for dialect, insert in (("postgresql", postgresql_insert), ("sqlite", sqlite_insert))
}
_FREE, _ALL = (
    sa.select(dag)
    .where(dag.c.dag_id.in_(names("dags")))
    .order_by(dag.c.dag_id)
    .with_for_update(key_share=True, skip_locked=skip_locked)
    for skip_locked in (True, False)
)
_changed = rows_of(
    "changed",
    dag_id=sa.Text,
    latest_version_id=sa.BigInteger,
    max_active_runs=sa.Integer,
    timetable_summary=sa.Text,
    fileloc=sa.Text,
    schedule_error=sa.Text,
    next_run_after=UtcDateTime,
    next_logical_date=UtcDateTime,
    next_interval_start=UtcDateTime,
    next_interval_end=UtcDateTime,
    last_interval_start=UtcDateTime,
    last_interval_end=UtcDateTime,
)
_UPDATE = (
    dag.update()
    .values({"is_active": sa.true(), **{c.key: c for c in _changed.c if c.key != "dag_id"}})
    .where(dag.c.dag_id == _changed.c.dag_id)
)
_free = (
    sa.select(dag.c.dag_id)
    .where(dag.c.dag_id.in_(names("dags")))
    .order_by(dag.c.dag_id)
    .with_for_update(key_share=True, skip_locked=True)
)
#: Where somebody works on a Dag, the next reading of its file will do.
_PARSED = (
    dag.update().values(last_parsed_at=sa.bindparam("now", type_=UtcDateTime)).where(dag.c.dag_id.in_(_free))
)


def register_dag(
    connection: sa.Connection, registered: Dag, *, now: datetime, paused_at_creation: bool
) -> int:
    """Store one Dag, which no file has made; otherwise as `register_dags`. The id of its version."""
    versions = register_dags(
        connection, [NewVersion.of(registered)], now=now, paused_at_creation=paused_at_creation
    )
    return versions[registered.dag_id]


def register_dags(
    connection: sa.Connection,
    versions: Iterable[NewVersion],
    *,
    now: datetime,
    paused_at_creation: bool,
    patiently: bool = True,
) -> Mapping[str, int]:
    """Store those Dags that are new or changed, each given once; the ids of their versions by Dag.

    A Dag seen for the first time is paused if it says so itself, else as `paused_at_creation` says. One
    that was inactive is active again. Those that another process has in hand are waited for `patiently`, or
    are not among the ids: then they have to be given again.

    Raises:
        DagError: the database cannot keep something of one of the Dags.
    """
    # In one order everywhere: two processes that register the same Dags must not deadlock.
    ordered = sorted(versions, key=lambda version: version.dag.dag_id)
    if not ordered:
        return {}
    try:
        return _register(connection, ordered, now, paused_at_creation, patiently)
    except sa.exc.DataError as error:
        which = f"Dag {ordered[0].dag.dag_id!r}" if len(ordered) == 1 else "one of the Dags"
        raise DagError(f"{which} cannot be stored ({error.orig}); use a smaller number or text") from error


def _register(
    connection: sa.Connection,
    versions: Sequence[NewVersion],
    now: datetime,
    paused_at_creation: bool,
    patiently: bool,
) -> Mapping[str, int]:
    known = known_as_they_are(connection, versions)
    rest = [version for version in versions if version.dag.dag_id not in known]
    if not patiently:
        # Who inserts what another one is inserting would wait for him, whatever he does not lock.
        taken = try_lock(connection, {registration_key(version.dag.dag_id) for version in rest})
        rest = [version for version in rest if registration_key(version.dag.dag_id) not in taken]
    ids = {**known, **_store(connection, rest, now, paused_at_creation, patiently)}
    connection.execute(_PARSED, {"dags": dump_rows((dag_id,) for dag_id in sorted(ids)), "now": now})
    # Also when nothing changed: a routine may have passed over the rows while we had them locked.
    wake(connection, Channel.DAGS)
    return ids


def _store(
    connection: sa.Connection,
    versions: Sequence[NewVersion],
    now: datetime,
    paused_at_creation: bool,
    patiently: bool,
) -> Mapping[str, int]:
    if not versions:
        return {}
    insert = _INSERT[connection.dialect.name]
    connection.execute(insert, {"new": dump_rows(_new_row(v.dag, paused_at_creation) for v in versions)})
    dag_ids = dump_rows((version.dag.dag_id,) for version in versions)
    known = {row.dag_id: row for row in connection.execute(_ALL if patiently else _FREE, {"dags": dag_ids})}
    versions = [version for version in versions if version.dag.dag_id in known]
    ids = insert_dag_versions(connection, versions, now=now)
    changed = [
        version.dag
        for version in versions
        if _is_changed(known[dag_id := version.dag.dag_id], version.dag, ids[dag_id])
    ]
    if changed:
        rows = [_changed_row(known[one.dag_id], one, ids[one.dag_id], now) for one in changed]
        connection.execute(_UPDATE, {"changed": dump_rows(rows)})
        if with_assets := keep_asset_references(connection, changed):
            for complaint in asset_complaints(connection, about=with_assets):
                log.warning("%s", complaint)
    return ids


def _new_row(registered: Dag, paused_at_creation: bool) -> tuple[object, ...]:
    paused = registered.is_paused_upon_creation
    is_paused = paused_at_creation if paused is None else paused
    return registered.dag_id, registered.max_active_runs, is_paused, True


def _is_changed(known: Row, registered: Dag, version_id: int) -> bool:
    is_as_before = version_id == known.latest_version_id and known.fileloc == registered.fileloc
    return not (is_as_before and known.is_active)


def _changed_row(known: Row, registered: Dag, version_id: int, now: datetime) -> tuple[object, ...]:
    last = last_interval_of(known)
    values: dict[str, Any] = {
        "dag_id": registered.dag_id,
        "latest_version_id": version_id,
        "max_active_runs": registered.max_active_runs,
        "timetable_summary": None,
        "fileloc": registered.fileloc,
        "schedule_error": None,
        **schedule_values(last, None),
    }
    try:
        timetable = load_timetable(registered.timetable)
        values["timetable_summary"] = timetable.summary
        if timetable.active_runs_limit is not None:
            values["max_active_runs"] = timetable.active_runs_limit
        if registered.allowed_run_types is None or DagRunType.SCHEDULED in registered.allowed_run_types:
            coming = next_run(timetable, restriction_of(registered), last_interval=last, now=now)
            values.update(schedule_values(last, coming))
    except DagError as error:
        # Dags are registered together: one that has no next run must not keep the others out.
        values["schedule_error"] = str(error)
    return tuple(values[column.key] for column in _changed.c)

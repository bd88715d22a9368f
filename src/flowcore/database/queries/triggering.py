"""Trigger a run by hand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import attrs
import sqlalchemy as sa

from flowcore.database.queries.insert_dag_runs import NewRun, insert_dag_runs
from flowcore.database.tables import dag, dag_run, dag_version
from flowcore.database.wakeups import wake
from flowcore.domain.dags import Dag
from flowcore.domain.params import validate_params
from flowcore.domain.run_types import RUN_ID_PATTERN, DagRunType, check_run_id, require_allowed
from flowcore.domain.serialization import load_dag
from flowcore.domain.timetables.base import DataInterval
from flowcore.domain.timetables.given_partitions import given_partition
from flowcore.domain.timetables.registry import load_timetable
from flowcore.errors import DagInactive, DagNotFound, UsageError
from flowcore.scheduler.wake_graph import Channel

_LATEST = (
    sa.select(dag_version.c.id, dag_version.c.document, dag.c.is_active, dag.c.fileloc, dag.c.is_paused)
    .join(dag, dag.c.latest_version_id == dag_version.c.id)
    .where(dag.c.dag_id == sa.bindparam("key"))
    # So that nobody deletes the Dag meanwhile.
    .with_for_update(of=dag, read=True, key_share=True)
)
#: Runs triggered in the same microsecond are dated this many microseconds apart at the most.
_SAME_MOMENT_MAX = 10_000


@attrs.frozen
class TriggeredRun:
    """A run that was queued."""

    id: int
    dag_id: str
    run_id: str


@attrs.frozen
class LatestVersion:
    """A version of a Dag."""

    id: int
    dag: Dag
    is_paused: bool

    def manual_interval(self, moment: datetime) -> DataInterval:
        """The data interval of a run that is dated by hand.

        Raises:
            DagError: the Dag's timetable went wrong.
        """
        return load_timetable(self.dag.timetable).infer_manual_data_interval(run_after=moment)


def trigger_dag_run(
    connection: sa.Connection,
    *,
    dag_id: str,
    conf: Mapping[str, Any],
    run_id: str | None,
    logical_date: datetime | None,
    run_after: datetime | None = None,
    partition_key: str | None = None,
    run_id_pattern: str = RUN_ID_PATTERN,
    now: datetime,
) -> TriggeredRun:
    """Queue a run, of a partition if a key is given. It waits for `run_after`, by default `now`.

    Without a `logical_date` it is dated by that, or by the next free microsecond.

    Raises:
        DagNotFound: nobody has registered the Dag.
        DagInactive: its file is gone.
        DagError: its timetable went wrong.
        ParamError: `conf` breaks the Dag's params.
        UsageError: there is a run of that id or logical date already, the Dag allows no manual runs, the
            id or the key is not allowed, or the database cannot keep the conf.
    """
    latest = latest_version(connection, dag_id)
    require_allowed(dag_id, latest.dag.allowed_run_types, DagRunType.MANUAL)
    if run_id is not None:
        check_run_id(run_id, DagRunType.MANUAL, pattern=run_id_pattern)
    run_after = run_after or now
    moment = logical_date or run_after
    run = NewRun(
        dag_id=dag_id,
        run_id=run_id or f"manual__{moment.isoformat()}",
        dag_version_id=latest.id,
        run_type=DagRunType.MANUAL,
        run_after=run_after,
        logical_date=moment,
        data_interval=latest.manual_interval(moment),
        conf=conf,
        params=validate_params(dag_id, latest.dag.params, conf),
        partition=None if partition_key is None else given_partition(latest.dag.timetable, partition_key),
    )
    queued = queue(connection, run, now, is_dated=logical_date is not None, is_named=run_id is not None)
    if queued is None:
        raise UsageError(
            f"Dag {dag_id!r} has a run {run.run_id!r} or one of logical date {run.logical_date} already; "
            "choose another run_id and logical_date"
        )
    return queued


def latest_version(connection: sa.Connection, dag_id: str) -> LatestVersion:
    """The version of a Dag that runs are made of now; the Dag stays as long as the transaction.

    Raises:
        DagNotFound: nobody has registered the Dag.
        DagInactive: its file is gone.
    """
    latest = connection.execute(_LATEST, {"key": dag_id}).one_or_none()
    if latest is None:
        raise DagNotFound(dag_id, tuple(connection.scalars(sa.select(dag.c.dag_id))))
    if not latest.is_active:
        raise DagInactive(dag_id, latest.fileloc)
    return LatestVersion(latest.id, load_dag(latest.document), bool(latest.is_paused))


def queue(
    connection: sa.Connection, run: NewRun, now: datetime, *, is_dated: bool, is_named: bool
) -> TriggeredRun | None:
    """Queue a run; None when its Dag has one of that name or logical date.

    Without a date of its own it is dated by the next free microsecond, without a name it is called by that.

    Raises:
        UsageError: the database cannot keep it.
    """
    try:
        queued = _insert(connection, run, now, is_dated=is_dated, is_named=is_named)
    except sa.exc.DataError as error:
        raise _cannot_be_kept(error) from error
    if queued is not None:
        wake(connection, Channel.RUNS_QUEUED)
    return queued


def _cannot_be_kept(error: sa.exc.DataError) -> UsageError:
    return UsageError(
        f"the database cannot keep this run ({error.orig}); leave NUL and halves of surrogate pairs out"
        " of its conf and run_id"
    )


def _insert(
    connection: sa.Connection, run: NewRun, now: datetime, *, is_dated: bool, is_named: bool
) -> TriggeredRun | None:
    for later in range(1 if is_dated else _SAME_MOMENT_MAX):
        moment = run.logical_date and run.logical_date + timedelta(microseconds=later)
        name = run.run_id if is_named or moment is None else f"manual__{moment.isoformat()}"
        dated = attrs.evolve(run, logical_date=moment, run_id=name)
        inserted = insert_dag_runs(connection, [dated], now=now)
        found = _id_of(connection, run.dag_id, name)
        if inserted and found is not None:
            return TriggeredRun(found, run.dag_id, name)
        if is_named and found is not None:
            break
    return None


def _id_of(connection: sa.Connection, dag_id: str, run_id: str) -> int | None:
    where = sa.and_(dag_run.c.dag_id == dag_id, dag_run.c.run_id == run_id)
    return connection.scalar(sa.select(dag_run.c.id).where(where))

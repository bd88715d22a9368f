"""Create the runs that timetables say are due.

The Dag's row is locked and its schedule advanced in the same transaction; a logical date that has a run
already is passed over (it is unique per Dag), so no crash and no second scheduler creates a run twice. A
Dag with enough unfinished runs waits: a long catch-up never floods the database.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from flowcore.database.dag_versions import DagVersions
from flowcore.database.queries.claims import literal
from flowcore.database.queries.insert_dag_runs import NewRun, insert_dag_runs
from flowcore.database.queries.schedules import last_interval_of, restriction_of, schedule_values
from flowcore.database.tables import dag, dag_run
from flowcore.database.types import UtcDateTime
from flowcore.database.wakeups import wake
from flowcore.domain.dags import Dag
from flowcore.domain.params import validate_params
from flowcore.domain.timetables.base import DagRunInfo
from flowcore.domain.timetables.registry import load_timetable
from flowcore.errors import DagError, ParamError
from flowcore.scheduler.store import Batch, DecideDueRuns
from flowcore.scheduler.wake_graph import Channel

#: How many runs of a Dag may wait in the queue beyond those that may run.
QUEUED_AHEAD_MAX = 16

_NOW = sa.bindparam("now", type_=UtcDateTime)


def _count(state: str) -> sa.ScalarSelect[int]:
    # One count per state: each has a partial index, so that a long history of the Dag costs nothing.
    in_state = sa.and_(
        dag_run.c.dag_id == dag.c.dag_id, dag_run.c.state == literal(state), dag_run.c.backfill_id.is_(None)
    )
    return sa.select(sa.func.count()).where(in_state).scalar_subquery()


#: How many more runs of the Dag may be created; what runs counts only where it is bounded.
_room = (
    QUEUED_AHEAD_MAX
    - _count("queued")
    + sa.case((dag.c.max_active_runs > 0, dag.c.max_active_runs - _count("running")), else_=0)
)
_is_scheduled = sa.and_(
    dag.c.is_paused.is_(sa.false()), dag.c.is_active.is_(sa.true()), dag.c.next_run_after.is_not(None)
)
_LOCK_DUE = (
    sa.select(dag, _room.label("room"))
    .where(_is_scheduled, dag.c.next_run_after <= _NOW, _room > 0)
    .order_by(dag.c.next_run_after)
    .limit(sa.bindparam("limit"))
    .with_for_update(of=dag, skip_locked=True, key_share=True)
)
_NEXT = sa.select(sa.func.min(dag.c.next_run_after)).where(_is_scheduled, dag.c.next_run_after > _NOW)
_ADVANCE = dag.update().where(dag.c.dag_id == sa.bindparam("key"))


def create_dag_runs(
    connection: sa.Connection, decide: DecideDueRuns, *, versions: DagVersions, now: datetime, limit: int
) -> Batch:
    """Create what is due of at most `limit` Dags."""
    due = connection.execute(_LOCK_DUE, {"now": now, "limit": limit}).all()
    dags = versions.get(connection, (row.latest_version_id for row in due))
    created = sum(_create(connection, row, dags[row.latest_version_id], decide, now) for row in due)
    if due:
        # Also when none was created: who starts runs passes over the rows that are locked here.
        wake(connection, Channel.RUNS_QUEUED)
    next_at = connection.scalar(_NEXT, {"now": now})
    return Batch(moved=created, more=len(due) == limit, next_at=next_at)


def _create(
    connection: sa.Connection, row: sa.Row[Any], of: Dag, decide: DecideDueRuns, now: datetime
) -> int:
    try:
        due = decide(
            load_timetable(of.timetable),
            restriction_of(of),
            last_interval=last_interval_of(row),
            now=now,
            limit=row.room,
        )
        runs = _new_runs(row, of, due.runs)
    except (DagError, ParamError) as error:
        # One broken timetable (or one whose steps lead out of the calendar) must not keep other Dags from
        # running; the Dag shows why it stopped.
        connection.execute(
            _ADVANCE, {"key": row.dag_id, "next_run_after": None, "schedule_error": str(error)}
        )
        return 0
    inserted = insert_dag_runs(connection, runs, now=now)
    connection.execute(_ADVANCE, {"key": row.dag_id, **schedule_values(due.last_interval, due.next_run)})
    return inserted


def _new_runs(row: sa.Row[Any], of: Dag, runs: Iterable[DagRunInfo]) -> Sequence[NewRun]:
    params = validate_params(of.dag_id, of.params, {})
    return [
        NewRun(
            dag_id=row.dag_id,
            run_id=f"scheduled__{run.run_after.isoformat()}",
            dag_version_id=row.latest_version_id,
            run_type="scheduled",
            logical_date=run.logical_date,
            run_after=run.run_after,
            data_interval=run.data_interval,
            partition=run.partition,
            params=params,
        )
        for run in runs
    ]

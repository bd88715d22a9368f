"""Settle what finished: decide the direct downstream, end runs that are over.

The run's row is locked, so that one scheduler at a time decides for a run; its `revision` tells whether
what this process remembers of the run is still true. Marks are taken after the lock was had.

Whoever decides for a run is likely to do so again: it remembers the run, others would have to read it. So
marks are left to the scheduler that decided last, for a moment, after which anybody takes them: because it
is gone, or because it has more to do than it can.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from flowcore.database.dag_versions import DagVersions
from flowcore.database.queries.claims import ids
from flowcore.database.queries.settled_runs import (
    INSTANCE,
    Settled,
    admit_held,
    instance_of,
    stop_failed_fast,
    write_settled,
)
from flowcore.database.queries.unsettled_marks import OTHER_RUN, WHOLE_RUN
from flowcore.database.rows import dump_rows
from flowcore.database.run_cache import RunCache
from flowcore.database.tables import dag_run, lease, task_instance, unsettled
from flowcore.database.types import UtcDateTime, database_now
from flowcore.domain.states import DagRunState
from flowcore.scheduler.decisions.run_changes import Instance
from flowcore.scheduler.decisions.run_progress import RunProgress
from flowcore.scheduler.store import Batch

Row = sa.Row[*tuple[Any, ...]]

#: For how long marks are left to the scheduler that remembers their run.
HEAD_START = timedelta(milliseconds=250)

_NOW = sa.bindparam("now", type_=UtcDateTime)
_others = sa.select(lease.c.id).where(lease.c.id != sa.bindparam("own"))
#: 0 is no lease. A scalar subquery, because a join would be planned by reading all runs.
_decider = sa.func.coalesce(
    sa.select(dag_run.c.decided_by).where(dag_run.c.id == unsettled.c.dag_run_id).scalar_subquery(),
    sa.literal_column("0"),
)
_marks = (
    sa.select(unsettled.c.dag_run_id)
    .where(
        sa.or_(
            unsettled.c.created_at.is_(None),
            unsettled.c.created_at <= database_now(-HEAD_START.total_seconds()),
            _decider.not_in(_others),
        )
    )
    .order_by(unsettled.c.id)
    .limit(sa.bindparam("marks"))
    .subquery()
)
_LOCK_RUNS = (
    sa.select(dag_run.c.id, dag_run.c.dag_version_id, dag_run.c.revision, dag_run.c.state)
    .where(dag_run.c.id.in_(sa.select(_marks.c.dag_run_id)))
    .order_by(dag_run.c.id)
    .with_for_update(skip_locked=True, key_share=True)
)
_IS_LEFT = sa.select(sa.exists().where(unsettled.c.id.is_not(None)))
_TAKE_MARKS = (
    unsettled.delete()
    .where(unsettled.c.dag_run_id.in_(ids("runs")))
    .returning(*(unsettled.c[name] for name in INSTANCE))
)
_INSTANCES = sa.select(*(task_instance.c[name] for name in INSTANCE)).where(
    # Without position: its task is not in the run's version of the Dag.
    task_instance.c.dag_run_id.in_(ids("runs")),
    task_instance.c.position >= 0,
)


def schedule_task_instances(
    connection: sa.Connection,
    *,
    own_lease: int,
    cache: RunCache,
    versions: DagVersions,
    now: datetime,
    limit: int,
) -> tuple[Batch, Sequence[Settled]]:
    """Settle at most `limit` marks, as the scheduler that holds `own_lease`."""
    runs = connection.execute(_LOCK_RUNS, {"marks": limit, "own": own_lease}).all()
    if not runs:
        is_left = connection.scalar(_IS_LEFT)
        return Batch(next_at=now + HEAD_START if is_left else None), ()
    keys = dump_rows((run.id,) for run in runs)
    marks = connection.execute(_TAKE_MARKS, {"runs": keys}).all()
    for mark in marks:
        if mark.position == WHOLE_RUN:
            cache.forget(mark.dag_run_id)
    running = [run for run in runs if run.state == DagRunState.RUNNING]
    settled = _settle(running, marks, connection, cache, versions)
    stop_failed_fast(connection, settled, now=now)
    admit_held(connection, settled)
    write_settled(connection, settled, own_lease=own_lease, now=now)
    # Some may have been left to others.
    return Batch(moved=len(marks), more=len(marks) >= limit, next_at=now + HEAD_START), settled


def _settle(
    runs: Iterable[Row],
    marks: Iterable[Row],
    connection: sa.Connection,
    cache: RunCache,
    versions: DagVersions,
) -> list[Settled]:
    finished: dict[int, list[Instance]] = defaultdict(list)
    for mark in marks:
        if mark.position >= 0:
            finished[mark.dag_run_id].append(instance_of(mark))
    changed = {mark.dag_run_id for mark in marks if mark.position != OTHER_RUN}
    remembered = {run.id: cache.take(run.id, run.revision) for run in runs}
    forgotten = [run for run in runs if remembered[run.id] is None]
    rebuilt = _rebuild(forgotten, connection, versions)
    settled: list[Settled] = []
    for run in runs:
        progress = remembered[run.id]
        if progress is None:
            progress = rebuilt[run.id]
            changes = progress.settle_all()
        else:
            changes = progress.settle(finished[run.id])
        progress.revision = run.revision + 1
        settled.append(Settled(run.id, progress, changes, has_changed=run.id in changed))
    return settled


def _rebuild(runs: Sequence[Row], connection: sa.Connection, versions: DagVersions) -> dict[int, RunProgress]:
    if not runs:
        return {}
    dags = versions.get(connection, {run.dag_version_id for run in runs})
    instances: dict[int, list[Instance]] = defaultdict(list)
    for row in connection.execute(_INSTANCES, {"runs": dump_rows((run.id,) for run in runs)}):
        instances[row.dag_run_id].append(instance_of(row))
    return {
        run.id: RunProgress.of(dags[run.dag_version_id], instances[run.id], revision=run.revision)
        for run in runs
    }

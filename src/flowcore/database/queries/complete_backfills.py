"""Complete backfills of which no run is queued or running any more."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from flowcore.database.queries.claims import literal
from flowcore.database.tables import backfill, dag_run
from flowcore.database.types import UtcDateTime
from flowcore.database.wakeups import wake
from flowcore.scheduler.store import Batch
from flowcore.scheduler.wake_graph import Channel

_is_active = backfill.c.completed_at.is_(None)
_has_runs = sa.exists().where(
    dag_run.c.backfill_id == backfill.c.id, dag_run.c.state.in_([literal("queued"), literal("running")])
)
_COMPLETE = (
    backfill.update()
    .values(completed_at=sa.bindparam("now", type_=UtcDateTime))
    .where(_is_active, ~_has_runs)
    .returning(backfill.c.id)
)
_IS_LEFT = sa.select(sa.exists().where(_is_active))
_ENDS = frozenset({Channel.RUNS_ENDED})


def complete_backfills(connection: sa.Connection, *, now: datetime) -> Batch:
    """Complete those that are over. Ends of runs are news only while there is a backfill."""
    completed = connection.execute(_COMPLETE, {"now": now}).all()
    if completed:
        wake(connection, Channel.BACKFILLS)
    is_left = connection.scalar(_IS_LEFT)
    return Batch(moved=len(completed), ignores=frozenset() if is_left else _ENDS)

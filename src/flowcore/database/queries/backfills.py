"""Look at backfills, pause them, let them go on, and cancel them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

import attrs
import sqlalchemy as sa

from flowcore.database.queries.claims import literal
from flowcore.database.tables import backfill, dag, dag_run
from flowcore.database.types import UtcDateTime
from flowcore.database.wakeups import wake
from flowcore.domain.backfills import ReprocessBehavior
from flowcore.domain.states import DagRunState
from flowcore.errors import BackfillNotFound, UsageError
from flowcore.scheduler.wake_graph import Channel

_b = backfill.c
_KEY = sa.bindparam("key", type_=sa.BigInteger)
_NOW = sa.bindparam("now", type_=UtcDateTime)
_BACKFILLS = sa.select(
    _b.id,
    _b.dag_id,
    _b.from_date,
    _b.to_date,
    _b.is_paused,
    _b.run_backwards,
    _b.reprocess_behavior,
    _b.max_active_runs,
    _b.created_at,
    _b.completed_at,
).order_by(_b.id)
_COUNTS = sa.select(dag_run.c.backfill_id, dag_run.c.state, sa.func.count().label("n")).group_by(
    dag_run.c.backfill_id, dag_run.c.state
)
# The Dag first, as locks are ordered.
_LOCK_DAG = (
    sa.select(dag.c.dag_id)
    .where(dag.c.dag_id.in_(sa.select(_b.dag_id).where(_b.id == _KEY)))
    .with_for_update(key_share=True)
)
_COMPLETED = sa.select(_b.completed_at).where(_b.id == _KEY)
_PAUSE = backfill.update().values(is_paused=sa.bindparam("paused")).where(_b.id == _KEY)
_CANCEL = backfill.update().values(is_paused=True, completed_at=_NOW).where(_b.id == _KEY)
_FAIL_QUEUED = (
    dag_run.update()
    .values(state="failed", reason="backfill_cancelled", end_date=_NOW)
    .where(dag_run.c.backfill_id == _KEY, dag_run.c.state == literal("queued"))
)


@attrs.frozen
class ListedBackfill:
    """A backfill; `runs` counts its runs by state."""

    id: int
    dag_id: str
    from_date: datetime
    to_date: datetime
    is_paused: bool
    run_backwards: bool
    reprocess_behavior: ReprocessBehavior = attrs.field(converter=ReprocessBehavior)
    max_active_runs: int
    created_at: datetime
    completed_at: datetime | None
    runs: Mapping[DagRunState, int]


def list_backfills(
    connection: sa.Connection, *, dag_id: str | None = None, backfill_id: int | None = None
) -> Sequence[ListedBackfill]:
    """All backfills, or those of a Dag, or the one of an id; in the order in which they were created."""
    conditions = [
        *([_b.dag_id == dag_id] if dag_id is not None else []),
        *([_b.id == backfill_id] if backfill_id is not None else []),
    ]
    rows = connection.execute(_BACKFILLS.where(*conditions)).all()
    counts: defaultdict[int, dict[DagRunState, int]] = defaultdict(dict)
    for row in connection.execute(_COUNTS.where(dag_run.c.backfill_id.in_([row.id for row in rows]))):
        counts[row.backfill_id][DagRunState(row.state)] = row.n
    return [ListedBackfill(**row._mapping, runs=counts[row.id]) for row in rows]


def find_backfill(connection: sa.Connection, backfill_id: int) -> ListedBackfill:
    """The backfill of that id.

    Raises:
        BackfillNotFound: there is none.
    """
    found = list_backfills(connection, backfill_id=backfill_id)
    if not found:
        raise BackfillNotFound(backfill_id)
    return found[0]


def pause_backfill(connection: sa.Connection, backfill_id: int, is_paused: bool) -> None:
    """Start no further runs of a backfill, or let it go on; runs that go on are not touched.

    Raises:
        BackfillNotFound: there is no such backfill.
        UsageError: it is completed.
    """
    _lock(connection, backfill_id, "paused" if is_paused else "unpaused")
    connection.execute(_PAUSE, {"key": backfill_id, "paused": is_paused})
    if not is_paused:
        wake(connection, Channel.RUNS_QUEUED)


def cancel_backfill(connection: sa.Connection, backfill_id: int, *, now: datetime) -> None:
    """Give a backfill up: its queued runs fail, those that are running go on to their ends.

    Raises:
        BackfillNotFound: there is no such backfill.
        UsageError: it is completed.
    """
    _lock(connection, backfill_id, "cancelled")
    connection.execute(_CANCEL, {"key": backfill_id, "now": now})
    connection.execute(_FAIL_QUEUED, {"key": backfill_id, "now": now})
    wake(connection, Channel.BACKFILLS)
    wake(connection, Channel.RUNS_ENDED)


def _lock(connection: sa.Connection, backfill_id: int, what: str) -> None:
    """Keep runs of the Dag from starting meanwhile, and refuse what cannot be changed any more."""
    connection.execute(_LOCK_DAG, {"key": backfill_id})
    row = connection.execute(_COMPLETED, {"key": backfill_id}).one_or_none()
    if row is None:
        raise BackfillNotFound(backfill_id)
    if row.completed_at is not None:
        raise UsageError(
            f"backfill {backfill_id} was completed at {row.completed_at} and cannot be {what}; create another"
        )

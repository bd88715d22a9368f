"""Read which runs have changed their state since somebody looked, for those who follow all of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import attrs
import sqlalchemy as sa

from flowcore.database.queries.claims import ids, literal
from flowcore.database.queries.seen_by_tasks import RUN_COLUMNS
from flowcore.database.rows import dump_rows
from flowcore.database.tables import dag_run, dag_version, lease
from flowcore.database.types import database_now
from flowcore.domain.dag_runs import FollowedRun
from flowcore.domain.states import DagRunState

_r = dag_run.c
_STATES = sa.select(_r.id, _r.state, _r.decided_by).where(
    (_r.id > sa.bindparam("after"))
    | (_r.state == literal("queued"))
    | (_r.state == literal("running"))
    | _r.id.in_(ids("known"))
)
_RUNS = (
    sa.select(_r.id, *RUN_COLUMNS, _r.queued_at, dag_version.c.version_number)
    .join_from(dag_run, dag_version, dag_version.c.id == _r.dag_version_id)
    .where(_r.id.in_(ids("runs")))
    .order_by(_r.id)
)
_LAST = sa.select(sa.func.coalesce(sa.func.max(_r.id), 0))
_LIVING = sa.select(lease.c.id).where(
    lease.c.kind == literal("scheduler"), lease.c.expires_at > database_now()
)


@attrs.frozen
class RunStates:
    """The states of runs by id, with the leases that decided them, and those of the schedulers that live."""

    states: Mapping[int, DagRunState]
    decided_by: Mapping[int, int | None]
    living: frozenset[int]


def last_run(connection: sa.Connection) -> int:
    """The id of the newest run; 0 when there is none."""
    return int(connection.scalar(_LAST) or 0)


def run_states(connection: sa.Connection, known: Collection[int], after: int) -> RunStates:
    """The states of the runs that are known, of all that have not ended, and of those newer than `after`."""
    keys = {"after": after, "known": dump_rows((i,) for i in known)}
    rows = connection.execute(_STATES, keys).all()
    return RunStates(
        {row.id: DagRunState(row.state) for row in rows},
        {row.id: row.decided_by for row in rows},
        frozenset(connection.scalars(_LIVING)),
    )


def followed_runs(connection: sa.Connection, run_ids: Iterable[int]) -> Mapping[int, FollowedRun]:
    """These runs by id; those that were deleted are left out."""
    rows = connection.execute(_RUNS, {"runs": dump_rows((i,) for i in run_ids)})
    return {row.id: FollowedRun(**{**row._mapping, "state": DagRunState(row.state)}) for row in rows}

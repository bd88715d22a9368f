"""Mark what the scheduling routine has to look at; the mark commits with the change that needs it.

A mark says that a task instance finished; or, without a position, that anything may have changed in the
run, so that what was remembered of it is worth nothing; or that something has changed in another run of
its Dag.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import sqlalchemy as sa

from flowcore.database.queries.claims import ids, literal
from flowcore.database.rows import dump_rows, rows_of
from flowcore.database.tables import dag_run, unsettled
from flowcore.database.try_effects import dump_effects
from flowcore.database.types import Json, database_now
from flowcore.database.unanswered import unanswered
from flowcore.database.wakeups import wake
from flowcore.domain.states import TaskInstanceState
from flowcore.domain.workloads import NO_EFFECTS, TryEffects
from flowcore.scheduler.wake_graph import Channel

_rows = rows_of(
    "marks",
    dag_run_id=sa.BigInteger,
    position=sa.Integer,
    map_index=sa.Integer,
    state=sa.Text,
    effects=Json,
)
#: The position in a mark that is about the whole run.
WHOLE_RUN = -1
#: The position in a mark that is about another run of the Dag.
OTHER_RUN = -2
_INSERT = unsettled.insert().from_select(
    [*_rows.c.keys(), "created_at"], sa.select(_rows, database_now()), include_defaults=False
)
_changed, _other = dag_run.alias("changed"), dag_run.alias("other")
_MARK_OTHERS = unsettled.insert().from_select(
    ["dag_run_id", "position", "map_index", "state", "created_at"],
    sa.select(
        _other.c.id,
        sa.literal_column(str(OTHER_RUN)),
        sa.literal_column("-1"),
        sa.literal_column("'changed'"),
        database_now(),
    )
    .join(_changed, _other.c.dag_id == _changed.c.dag_id)
    .where(
        _changed.c.id.in_(ids("changed_runs")),
        _other.c.state == literal("running"),
        _other.c.id != _changed.c.id,
    ),
    include_defaults=False,
)


class Mark(NamedTuple):
    """A task instance that finished, and what its try says about the rest of the run."""

    dag_run_id: int
    position: int
    map_index: int
    state: TaskInstanceState
    effects: TryEffects = NO_EFFECTS


def mark_unsettled(connection: sa.Connection, finished: Iterable[Mark]) -> None:
    """Mark task instances that finished."""
    marks = [(*mark[:-1], dump_effects(mark.effects)) for mark in finished]
    if marks:
        connection.execute(unanswered(_INSERT), {"marks": dump_rows(marks)})
        wake(connection, Channel.UNSETTLED)


def mark_whole_runs(connection: sa.Connection, dag_run_ids: Iterable[int]) -> None:
    """Mark runs whose task instances were changed otherwise than by the end of a try."""
    _mark_runs(connection, dag_run_ids, WHOLE_RUN)


def mark_held(connection: sa.Connection, dag_run_ids: Iterable[int]) -> None:
    """Mark runs that begin with tasks which the run before has to let."""
    _mark_runs(connection, dag_run_ids, OTHER_RUN)


def _mark_runs(connection: sa.Connection, dag_run_ids: Iterable[int], position: int) -> None:
    marks = [(dag_run_id, position, -1, "changed", None) for dag_run_id in sorted(set(dag_run_ids))]
    if marks:
        connection.execute(unanswered(_INSERT), {"marks": dump_rows(marks)})
        wake(connection, Channel.UNSETTLED)


def mark_other_runs(connection: sa.Connection, dag_run_ids: Iterable[int]) -> None:
    """Mark the other running runs of the same Dags: tasks of theirs may wait for what happens in these."""
    changed = sorted(set(dag_run_ids))
    if changed:
        keys = dump_rows((dag_run_id,) for dag_run_id in changed)
        connection.execute(unanswered(_MARK_OTHERS), {"changed_runs": keys})
        wake(connection, Channel.UNSETTLED)

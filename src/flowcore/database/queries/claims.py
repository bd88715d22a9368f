"""Small pieces that several claims share."""

from __future__ import annotations

import sqlalchemy as sa

from flowcore.database.rows import rows_of
from flowcore.domain.states import FINISHED, TaskInstanceState


def literal(value: str) -> sa.ColumnElement[str]:
    """Write a state into the statement itself; a bind parameter would hide it from partial indexes."""
    return sa.literal_column(f"'{value}'", sa.Text)


def is_in(state: sa.ColumnElement[str | None], *states: str) -> sa.ColumnElement[bool]:
    """Say in SQL that a state is one of these, in words that no partial index has.

    For statements that find their rows by key: the planner takes what is scheduled or active for a handful
    when it was so at some time, and would read all of it in place of a few rows.
    """
    return sa.func.coalesce(state, literal("")).in_([literal(s) for s in states])


def is_active(state: sa.ColumnElement[str | None]) -> sa.ColumnElement[bool]:
    """Say in SQL that a task instance has a try, which may have to stop."""
    return state.in_([literal("queued"), literal("running"), literal("restarting")])


def is_revoked(state: sa.ColumnElement[str | None]) -> sa.ColumnElement[bool]:
    """Say in SQL that the try of a task instance under a lease is not wanted any more.

    In the words of `ix_task_instance_revoked`.
    """
    return state.not_in([literal("queued"), literal("running")])


def holds_slots(lease_id: sa.ColumnElement[int | None]) -> sa.ColumnElement[bool]:
    """Say in SQL that a task instance takes room under limits: also while a revoked try is stopping.

    In the words of `ix_task_instance_active`, and together with `pool_slots > 0` of `ix_task_instance_pool`.
    """
    return lease_id.is_not(None)


def is_unfinished(state: sa.ColumnElement[str | None]) -> sa.ColumnElement[bool]:
    """Say in SQL that a task instance can still change by itself."""
    return sa.or_(state.is_(None), state.not_in([literal(s) for s in sorted(FINISHED)]))


def ids(name: str) -> sa.Select[tuple[int]]:
    """Incoming integer keys, for `column.in_(ids("runs"))`; bind them with `dump_rows([(1,), (2,)])`."""
    rows = rows_of(name, id=sa.BigInteger)
    return sa.select(rows.c.id)


def names(name: str) -> sa.Select[tuple[str]]:
    """Incoming names, for `column.in_(names("dags"))`."""
    rows = rows_of(name, text=sa.Text)
    return sa.select(rows.c.text)


def state_of(text: str | None) -> TaskInstanceState | None:
    """Turn the stored text into a state."""
    return None if text is None else TaskInstanceState(text)

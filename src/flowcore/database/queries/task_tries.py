"""Remember tries that are followed by another one; the newest stays in `task_instance`."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from flowcore.database.queries.claims import ids
from flowcore.database.rows import dump_rows, rows_of
from flowcore.database.tables import task_instance, task_try
from flowcore.database.types import UtcDateTime
from flowcore.database.unanswered import unanswered
from flowcore.domain.states import FINISHED, TaskInstanceState
from flowcore.domain.workloads import TryEnded
from flowcore.scheduler.decisions.end_tries import TryEnd

_rows = rows_of(
    "tries",
    task_instance_id=sa.BigInteger,
    token=sa.BigInteger,
    try_number=sa.Integer,
    state=sa.Text,
    lease_id=sa.BigInteger,
    start_date=UtcDateTime,
    end_date=UtcDateTime,
    error=sa.Text,
)
_columns = list(_rows.c.keys())
_t = task_instance.c
_CURRENT = sa.select(
    _t.id, _t.token, _t.try_number, _t.state, _t.lease_id, _t.start_date, _t.end_date, _t.error
).where(_t.id.in_(ids("kept")), _t.start_date.is_not(None), _t.end_date.is_not(None))
#: A try that has ended may be there already, if the next one was only waited for.
_KEEP = {
    "postgresql": postgresql_insert(task_try)
    .on_conflict_do_nothing()
    .from_select(_columns, _CURRENT, include_defaults=False),
    "sqlite": sqlite_insert(task_try)
    .on_conflict_do_nothing()
    .from_select(_columns, _CURRENT, include_defaults=False),
}
#: The newest try stays where it is, also while it is put off.
_NOT_FOLLOWED = FINISHED | {TaskInstanceState.UP_FOR_RESCHEDULE}
_INSERT = task_try.insert().from_select(_columns, sa.select(_rows), include_defaults=False)


def remember_tries(connection: sa.Connection, ends: Iterable[tuple[TryEnded, TryEnd]]) -> None:
    """Keep the reported tries that will be followed by another one."""
    keep_tries(connection, (ended for ended, end in ends if end.state not in _NOT_FOLLOWED))


def keep_tries(connection: sa.Connection, ends: Iterable[TryEnded]) -> None:
    """Keep reported tries."""
    insert_tries(connection, map(_row, ends))


def keep_current_tries(connection: sa.Connection, task_instance_ids: Iterable[int]) -> None:
    """Keep the tries that these task instances describe, before they describe others."""
    kept = dump_rows((key,) for key in task_instance_ids)
    connection.execute(unanswered(_KEEP[connection.dialect.name]), {"kept": kept})


def insert_tries(connection: sa.Connection, rows: Iterable[tuple[object, ...]]) -> None:
    """Insert rows of `task_try` in the order of its columns."""
    tries = list(rows)
    if tries:
        connection.execute(unanswered(_INSERT), {"tries": dump_rows(tries)})


def _row(ended: TryEnded) -> tuple[object, ...]:
    work = ended.workload
    return (
        work.task_instance_id,
        work.token,
        work.try_number,
        ended.outcome,
        None,
        ended.start_date,
        ended.end_date,
        ended.error,
    )

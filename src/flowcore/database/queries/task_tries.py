"""Remember tries that are followed by another one; the newest stays in `task_instance`."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from flowcore.database.rows import dump_rows, rows_of
from flowcore.database.tables import task_try
from flowcore.database.types import UtcDateTime
from flowcore.database.unanswered import unanswered
from flowcore.domain.states import FINISHED
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
_INSERT = task_try.insert().from_select(list(_rows.c.keys()), sa.select(_rows), include_defaults=False)


def remember_tries(connection: sa.Connection, ends: Iterable[tuple[TryEnded, TryEnd]]) -> None:
    """Keep the reported tries that will be followed by another one."""
    keep_tries(connection, (ended for ended, end in ends if end.state not in FINISHED))


def keep_tries(connection: sa.Connection, ends: Iterable[TryEnded]) -> None:
    """Keep reported tries."""
    insert_tries(connection, map(_row, ends))


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

"""Mark what the scheduling routine has to look at; the mark commits with the change that needs it."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from flowcore.database.rows import dump_rows, rows_of
from flowcore.database.tables import unsettled
from flowcore.database.unanswered import unanswered
from flowcore.database.wakeups import wake
from flowcore.domain.states import TaskInstanceState
from flowcore.scheduler.wake_graph import Channel

_rows = rows_of("marks", dag_run_id=sa.BigInteger, position=sa.Integer, map_index=sa.Integer, state=sa.Text)
_INSERT = unsettled.insert().from_select(list(_rows.c.keys()), sa.select(_rows), include_defaults=False)


def mark_unsettled(
    connection: sa.Connection, finished: Iterable[tuple[int, int, int, TaskInstanceState]]
) -> None:
    """Mark task instances that finished: (run, position, map index, state) each."""
    marks = list(finished)
    if marks:
        connection.execute(unanswered(_INSERT), {"marks": dump_rows(marks)})
        wake(connection, Channel.UNSETTLED)

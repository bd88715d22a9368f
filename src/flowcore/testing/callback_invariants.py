"""What must be true of the callbacks of Dags, whatever happens to schedulers: compare `invariants.py`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from flowcore.database.queries.dag_callbacks import CALLS_MAX
from flowcore.database.tables import callback
from flowcore.domain.dag_callbacks import CallbackState, DagCallback, occasion_of
from flowcore.domain.dags import Dag
from flowcore.testing.snapshots import Snapshot

Row = sa.Row[*tuple[Any, ...]]

_OPEN = sa.select(sa.exists().where(callback.c.state.in_([CallbackState.PENDING, CallbackState.RUNNING])))


def callback_rows(connection: sa.Connection) -> list[Row]:
    """What the database keeps of callbacks."""
    return list(connection.execute(sa.select(callback)))


def has_open(connection: sa.Connection) -> bool:
    """Whether callbacks are still to be called."""
    return bool(connection.scalar(_OPEN))


def check_callbacks(
    snapshot: Snapshot,
    dags: Mapping[str, Dag],
    rows: Iterable[Row],
    called: Iterable[DagCallback],
    *,
    touched: Collection[int] = (),
) -> None:
    """I14: the callbacks of each end of a run were called: the right ones, and none was lost.

    Runs that somebody `touched` by hand may have ended several times, or without a call.
    """
    rows, known = list(rows), {(one.id, one.occasion) for one in called}
    asked: dict[int, list[str]] = defaultdict(list)
    for row in rows:
        asked[row.dag_run_id].append(row.occasion)
        is_given_up = row.state == CallbackState.FAILED and row.token >= CALLS_MAX
        assert row.state == CallbackState.SUCCESS or is_given_up, f"callbacks were never called: {row}"
        assert (row.id, row.occasion) in known, f"callbacks are said to be called and were not: {row}"
    for run in snapshot.runs.values():
        if run.is_finished and run.id not in touched:
            expected = occasion_of(dags[run.dag_id], run.state)
            found = asked[run.id]
            assert found == ([] if expected is None else [expected]), f"{run}: {found} was called"

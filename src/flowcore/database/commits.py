"""Commit is a point of no return: what is known when its answer is lost, and how the truth is found.

PostgreSQL names every writing transaction by an id. A unit learns the id together with the answer to
its first write, so it is known before COMMIT is sent; a new connection can then ask what became of it.
After a failover to an asynchronous replica the answer is that of the new primary.
"""

from __future__ import annotations

from enum import StrEnum

import anyio
import sqlalchemy as sa

#: Seconds that COMMIT or ROLLBACK may take, during which nobody can be cancelled.
COMMIT_GRACE_S = 30.0
#: PostgreSQL's channel for all wake-ups, so that a listener need not know which there are.
CHANNEL = "flowcore"


class CommitLost(Exception):
    """COMMIT was sent and no answer came; `transaction_id` is None when nothing was written."""

    def __init__(self, transaction_id: str | None) -> None:
        super().__init__(f"the answer to the commit of transaction {transaction_id} was lost")
        self.transaction_id = transaction_id


def commit_shield() -> anyio.CancelScope:
    """A scope for COMMIT and ROLLBACK: no cancellation comes in, and it ends after `COMMIT_GRACE_S`."""
    return anyio.CancelScope(shield=True, deadline=anyio.current_time() + COMMIT_GRACE_S)


def is_refusal(sqlstate: str | None) -> bool:
    """Whether the server itself said that it did not commit, rather than that it is going away."""
    return sqlstate is not None and sqlstate[:2] not in ("08", "57")


class Fate(StrEnum):
    """What became of a transaction, in PostgreSQL's words."""

    COMMITTED = "committed"
    ABORTED = "aborted"
    IN_PROGRESS = "in progress"


_STATUS = sa.text("SELECT pg_xact_status(CAST(CAST(:id AS text) AS xid8))")
_END_BACKEND = sa.text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE backend_xid = CAST(CAST(CAST(:id AS text) AS xid8) AS xid)"
)


def ask_fate(connection: sa.Connection, transaction_id: str) -> Fate:
    """A unit that asks what became of a transaction of a lost connection, and helps to settle it."""
    fate = Fate(connection.scalar(_STATUS, {"id": transaction_id}))
    if fate is Fate.IN_PROGRESS:
        # The server has not noticed yet that our connection is gone. Ending its backend frees the
        # locks, and the next question has an answer.
        connection.execute(_END_BACKEND, {"id": transaction_id})
    return fate

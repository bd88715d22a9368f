"""Commit is a point of no return: what is known when its answer is lost, and how the truth is found.

PostgreSQL names every writing transaction by an id. A unit learns the id together with the answer to
its first write, so it is known before COMMIT is sent; a new connection can then ask what became of it.

The id alone is not proof: a server that crashed has forgotten the ids that it gave out shortly before,
and gives them out again. So a connection remembers the life of the server it was made in. After a
failover to an asynchronous replica the answer is that of the new primary.
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

    def __init__(self, transaction_id: str | None, server_life: str) -> None:
        super().__init__(f"the answer to the commit of transaction {transaction_id} was lost")
        self.transaction_id = transaction_id
        self.server_life = server_life


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


#: When the server was started, and up to where it has read its log since: both stay as they are until
#: it is started again or recovers from a crash.
_SERVER_LIFE = sa.text(
    "SELECT concat(CAST(pg_postmaster_start_time() AS text), ' ', CAST(pg_last_wal_replay_lsn() AS text))"
)
#: Either ends with a checkpoint, and what committed before is older than that.
_OLDER_THAN_CHECKPOINT = sa.text(
    "SELECT CAST(CAST(:id AS text) AS numeric) < CAST(split_part(next_xid, ':', 1) AS numeric) * 4294967296"
    " + CAST(split_part(next_xid, ':', 2) AS numeric) FROM pg_control_checkpoint()"
)
_STATUS = sa.text("SELECT pg_xact_status(CAST(CAST(:id AS text) AS xid8))")
_END_BACKEND = sa.text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE backend_xid = CAST(CAST(CAST(:id AS text) AS xid8) AS xid)"
)


def ask_server_life(connection: sa.Connection) -> str:
    """What tells the server's time before a restart or crash from its time afterwards."""
    return str(connection.scalar(_SERVER_LIFE))


def ask_fate(connection: sa.Connection, transaction_id: str, server_life: str) -> Fate:
    """A unit that asks what became of a transaction of a lost connection, and helps to settle it."""
    parameters = {"id": transaction_id}
    is_another_life = ask_server_life(connection) != server_life
    if is_another_life and not connection.scalar(_OLDER_THAN_CHECKPOINT, parameters):
        return Fate.ABORTED  # the id may be somebody else's by now
    fate = Fate(connection.scalar(_STATUS, parameters))
    if fate is Fate.IN_PROGRESS:
        # The server has not noticed yet that our connection is gone. Ending its backend frees the
        # locks, and the next question has an answer.
        connection.execute(_END_BACKEND, parameters)
    return fate

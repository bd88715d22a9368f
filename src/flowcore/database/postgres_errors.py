"""What PostgreSQL's errors mean for a unit of work: tried again at once, later, or never."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError

#: Serialization failure and deadlock: the server undid the unit in favour of another.
_LOST_RACES = frozenset({"40001", "40P01"})
#: The server, or this session's process, is being shut down.
_GOING_AWAY = "57P"
#: The server's disk is full, its memory used up, or a limit of its configuration reached.
_NO_ROOM = "53"
#: The server has become a standby: the primary is elsewhere, where a new connection may find it.
_ONLY_READS = "25006"


def did_not_happen(error: DBAPIError) -> bool:
    """Whether the unit was certainly undone for no fault of its own, and may succeed when it is run again."""
    sqlstate = _sqlstate(error)
    return error.connection_invalidated or sqlstate in _LOST_RACES or sqlstate.startswith(_GOING_AWAY)


def why_unavailable(error: DBAPIError, *, writes: bool) -> str | None:
    """Say why the server can do nothing for anybody now, with the remedy; None if that is not so."""
    sqlstate = _sqlstate(error)
    if sqlstate.startswith(_NO_ROOM):
        return f"the server has no room for more ({error.orig}); see to its disk, memory and limits"
    if writes and sqlstate == _ONLY_READS:
        return (
            f"the server takes no writes ({error.orig}); point the database URL to the primary, or give it"
            " several hosts and target_session_attrs=read-write"
        )
    return None


def _sqlstate(error: DBAPIError) -> str:
    return getattr(error.orig, "sqlstate", None) or ""

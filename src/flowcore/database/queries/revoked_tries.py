"""Find the tries of a process that are no longer wanted: cleared, marked by hand, or out of their run's time.

Whoever takes a try's task instance to another state leaves the lease in the row; that is the message to
the process that holds the try. The row lets go of the lease when the end of the try is reported, or when
the process is found dead.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from flowcore.database.queries.claims import is_revoked
from flowcore.database.tables import task_instance
from flowcore.domain.states import TaskInstanceState
from flowcore.scheduler.store import RevokedTry

_t = task_instance.c
_REVOKED = (
    sa.select(_t.id, _t.token, _t.state, _t.error)
    .where(_t.lease_id == sa.bindparam("lease"), is_revoked(_t.state))
    .order_by(_t.id)
)


def revoked_tries(connection: sa.Connection, lease_id: int) -> Sequence[RevokedTry]:
    """The tries under the lease that nobody wants; the cost is theirs, not that of all under the lease."""
    rows = connection.execute(_REVOKED, {"lease": lease_id})
    return [RevokedTry(row.id, row.token, _reason(row.state, row.error)) for row in rows]


def _reason(state: str, error: str | None) -> str:
    if state == TaskInstanceState.RESTARTING:
        return "the task instance was cleared"
    return error or f"the task instance was marked {state}"

"""Find backfills that were completed long ago and have no runs any more, and delete them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import sqlalchemy as sa

from flowcore.database.queries.claims import ids
from flowcore.database.queries.old_rows import Counts, Old, OldKind, bind_ids, of_dags
from flowcore.database.tables import backfill, backfill_date, dag_run
from flowcore.database.types import UtcDateTime
from flowcore.domain.retention import Retention

_b = backfill.c
_FIND = (
    sa.select(_b.id)
    .where(
        _b.id > sa.bindparam("after"),
        _b.completed_at < sa.bindparam("before", type_=UtcDateTime),
        ~sa.exists().where(dag_run.c.backfill_id == _b.id),
    )
    .order_by(_b.id)
    .limit(sa.bindparam("limit"))
)
_ROWS = {
    backfill_date: backfill_date.c.backfill_id.in_(ids("backfills")),
    backfill: _b.id.in_(ids("backfills")),
}


def _find(connection: sa.Connection, retention: Retention, after: int, limit: int) -> Sequence[Old]:
    statement, parameters = of_dags(_FIND, _b.dag_id, retention)
    found = connection.execute(statement, {**parameters, "after": after, "limit": limit})
    return [Old(row.id) for row in found]


def _delete(connection: sa.Connection, found: Sequence[Old]) -> tuple[Sequence[Old], Counts]:
    # Nothing happens any more to a backfill that was completed.
    keys = bind_ids("backfills", found)
    deleted = {
        table.name: connection.execute(table.delete().where(of), keys).rowcount for table, of in _ROWS.items()
    }
    return found, deleted


OLD_BACKFILLS = OldKind(find=_find, bind=partial(bind_ids, "backfills"), rows=_ROWS, delete=_delete)

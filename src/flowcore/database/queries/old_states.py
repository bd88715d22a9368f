"""Find state of task instances that has expired, and delete it: it was nobody's any more at that moment."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import sqlalchemy as sa

from flowcore.database.queries.claims import ids
from flowcore.database.queries.old_rows import Counts, Old, OldKind, bind_ids, of_dags
from flowcore.database.tables import task_instance, task_state_store
from flowcore.database.types import database_now
from flowcore.domain.retention import Retention

_s, _t = task_state_store.c, task_instance.c
_has_expired = sa.and_(_s.expires_at.is_not(None), _s.expires_at <= database_now())
_FIND = (
    sa.select(_s.task_instance_id)
    .distinct()
    .join(task_instance, _t.id == _s.task_instance_id)
    .where(_s.task_instance_id > sa.bindparam("after"), _has_expired)
    .order_by(_s.task_instance_id)
    .limit(sa.bindparam("limit"))
)
_of_these = sa.and_(_s.task_instance_id.in_(ids("instances")), _has_expired)
_DELETE = task_state_store.delete().where(_of_these)


def _find(connection: sa.Connection, retention: Retention, after: int, limit: int) -> Sequence[Old]:
    statement, parameters = of_dags(_FIND, _t.dag_id, retention)
    found = connection.scalars(statement, {**parameters, "after": after, "limit": limit})
    return [Old(task_instance_id) for task_instance_id in found]


def _delete(connection: sa.Connection, found: Sequence[Old]) -> tuple[Sequence[Old], Counts]:
    return found, {task_state_store.name: connection.execute(_DELETE, bind_ids("instances", found)).rowcount}


OLD_STATES = OldKind(
    find=_find, bind=partial(bind_ids, "instances"), rows={task_state_store: _of_these}, delete=_delete
)

"""Find versions of Dags that are not the newest and that no run has, and delete them with their sources.

An old version may become the newest one again when its file does; whoever makes it that locks the Dag's row.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import sqlalchemy as sa

from flowcore.database.queries.claims import ids
from flowcore.database.queries.deleting import DELETE_SOURCES
from flowcore.database.queries.old_rows import Counts, Old, OldKind, bind_ids, of_dags
from flowcore.database.tables import dag, dag_run, dag_source, dag_version
from flowcore.database.types import UtcDateTime
from flowcore.domain.retention import Retention

_v = dag_version.c
_newer = dag_version.alias("newer")
_is_used = sa.or_(
    sa.exists().where(dag.c.latest_version_id == _v.id),
    sa.exists().where(dag_run.c.dag_version_id == _v.id),
)
_FIND = (
    sa.select(_v.id)
    .where(
        _v.id > sa.bindparam("after"),
        # It was the newest one until another came.
        sa.exists().where(
            _newer.c.dag_id == _v.dag_id,
            _newer.c.version_number > _v.version_number,
            _newer.c.created_at < sa.bindparam("before", type_=UtcDateTime),
        ),
        ~_is_used,
    )
    .order_by(_v.id)
    .limit(sa.bindparam("limit"))
)
_are_these = _v.id.in_(ids("versions"))
_LOCK_DAGS = (
    sa.select(dag.c.dag_id)
    .where(dag.c.dag_id.in_(sa.select(_v.dag_id).where(_are_these)))
    .order_by(dag.c.dag_id)
    .with_for_update()
)
_DELETE = dag_version.delete().where(_are_these, ~_is_used).returning(_v.id)


def _find(connection: sa.Connection, retention: Retention, after: int, limit: int) -> Sequence[Old]:
    statement, parameters = of_dags(_FIND, _v.dag_id, retention)
    found = connection.execute(statement, {**parameters, "after": after, "limit": limit})
    return [Old(row.id) for row in found]


def _delete(connection: sa.Connection, found: Sequence[Old]) -> tuple[Sequence[Old], Counts]:
    keys = bind_ids("versions", found)
    connection.execute(_LOCK_DAGS, keys).all()
    deleted = set(connection.scalars(_DELETE, keys))
    sources = connection.execute(DELETE_SOURCES).rowcount
    counts = {"dag_version": len(deleted), "dag_source": sources}
    return [old for old in found if old.id in deleted], counts


OLD_VERSIONS = OldKind(
    find=_find,
    bind=partial(bind_ids, "versions"),
    rows={
        dag_version: _are_these,
        dag_source: dag_source.c.digest.in_(sa.select(_v.source_digest).where(_are_these)),
    },
    delete=_delete,
)

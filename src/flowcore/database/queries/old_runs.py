"""Find runs that ended long ago, and delete them with all that is known of them.

Kept are runs that others still need: the newest one of a Dag (manual runs do not count), the one before a run
that has not ended (tasks of which may depend on it), and those of backfills that go on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import partial
from itertools import accumulate
from typing import Any

import sqlalchemy as sa

from flowcore.database.queries.claims import holds_slots, ids, literal, names
from flowcore.database.queries.deleting import OF_RUNS, delete_rows
from flowcore.database.queries.old_rows import Counts, Old, OldKind, bind_ids, of_dags
from flowcore.database.queries.past_tasks import runs_before
from flowcore.database.rows import dump_rows
from flowcore.database.tables import backfill, dag_run, task_instance
from flowcore.database.types import UtcDateTime
from flowcore.domain.retention import Retention

#: So many runs are looked at together.
_RUNS_MAX = 500

Row = sa.Row[*tuple[Any, ...]]

_r, _t = dag_run.c, task_instance.c
_later, _open = dag_run.alias("later"), dag_run.alias("open")
_is_manual = _r.run_type == literal("manual")
_has_ended = _r.state.in_([literal("success"), literal("failed")])
_is_newest = sa.and_(
    ~_is_manual,
    ~sa.exists()
    .where(
        _later.c.dag_id == _r.dag_id,
        _later.c.run_after > _r.run_after,
        _later.c.run_type != literal("manual"),
    )
    .correlate(dag_run),
)
_is_of_backfill = sa.exists().where(backfill.c.id == _r.backfill_id, backfill.c.completed_at.is_(None))
_is_stopping = sa.exists().where(_t.dag_id == _r.dag_id, _t.dag_run_id == _r.id, holds_slots(_t.lease_id))
_FIND = (
    sa.select(
        _r.id,
        _r.dag_id,
        _r.run_id,
        _r.revision,
        _r.clear_number,
        _r.end_date,
        sa.select(sa.func.count()).where(_t.dag_run_id == _r.id).scalar_subquery().label("size"),
    )
    .where(
        _r.id > sa.bindparam("after"),
        _has_ended,
        _r.end_date < sa.bindparam("before", type_=UtcDateTime),
        ~_is_newest,
        ~_is_of_backfill,
        ~_is_stopping,
    )
    .order_by(_r.id)
    .limit(_RUNS_MAX)
)
_of_these = _open.c.dag_id.in_(names("dags"))
#: Two selects for two partial indexes.
_OPEN = sa.union_all(
    *(
        sa.select(_open.c.id).where(_of_these, _open.c.state == literal(state))
        for state in ("queued", "running")
    )
)
_LOCK = (
    sa.select(_r.id, _r.revision, _r.clear_number, _r.end_date)
    .where(_r.id.in_(ids("runs")), _has_ended)
    .order_by(_r.id)
    .with_for_update(skip_locked=True)
)


def _find(connection: sa.Connection, retention: Retention, after: int, limit: int) -> Sequence[Old]:
    statement, parameters = of_dags(_FIND, _r.dag_id, retention)
    while rows := connection.execute(statement, {**parameters, "after": after}).all():
        needed = _needed(connection, {row.dag_id for row in rows})
        if old := [row for row in rows if row.id not in needed]:
            return [Old(row.id, _life(row), row.dag_id, row.run_id) for row in _cut(old, limit)]
        after = rows[-1].id
    return ()


def _needed(connection: sa.Connection, dag_ids: Collection[str]) -> Collection[int]:
    """The runs right before those of these Dags that have not ended."""
    dags = dump_rows((dag_id,) for dag_id in sorted(dag_ids))
    return runs_before(connection, connection.scalars(_OPEN, {"dags": dags}).all())


def _cut(rows: Sequence[Row], limit: int) -> Iterable[Row]:
    """As many as have about `limit` task instances together, and at least one."""
    sizes = accumulate(row.size for row in rows)
    return (
        row for number, (row, size) in enumerate(zip(rows, sizes, strict=True)) if not number or size <= limit
    )


def _delete(connection: sa.Connection, found: Sequence[Old]) -> tuple[Sequence[Old], Counts]:
    rows = connection.execute(_LOCK, bind_ids("runs", found))
    lives = {row.id: _life(row) for row in rows}
    untouched = [old for old in found if lives.get(old.id) == old.life]
    return untouched, delete_rows(connection, [old.id for old in untouched])


def _life(row: Row) -> tuple[object, ...]:
    """What changes whenever anything in a run does."""
    return row.revision, row.clear_number, row.end_date


OLD_RUNS = OldKind(find=_find, bind=partial(bind_ids, "runs"), rows=OF_RUNS, delete=_delete)

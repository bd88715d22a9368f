"""Keep what templates became in a try, and read it again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from flowcore.database.queries.run_views import find_run
from flowcore.database.rows import dump_rows, rows_of
from flowcore.database.tables import rendered_fields, task_instance
from flowcore.database.types import Json
from flowcore.database.unanswered import unanswered
from flowcore.domain.workloads import TryEnded, TryStarted
from flowcore.errors import DagRunNotFound, TaskNotFound, UsageError

_t = task_instance.c
_rows = rows_of("rendered", task_instance_id=sa.BigInteger, token=sa.BigInteger, fields=Json)
#: Of tries that are still the current ones: a start is written by whoever holds the try.
_CURRENT = sa.select(_rows).where(
    sa.exists().where(_t.id == _rows.c.task_instance_id, _t.token == _rows.c.token)
)
#: A start may be written twice when nobody could say whether it was.
_KEEP = {
    name: insert(rendered_fields)
    .from_select(list(_rows.c.keys()), _CURRENT, include_defaults=False)
    .on_conflict_do_nothing()
    for name, insert in (("postgresql", postgresql_insert), ("sqlite", sqlite_insert))
}
_READ = (
    sa.select(_t.task_id, _t.map_index, _t.try_number, rendered_fields.c.fields)
    .join_from(
        task_instance,
        rendered_fields,
        sa.and_(
            rendered_fields.c.task_instance_id == _t.id,
            rendered_fields.c.token == _t.token,
        ),
        isouter=True,
    )
    .where(
        _t.dag_run_id == sa.bindparam("run"),
        _t.task_id == sa.bindparam("task"),
        _t.map_index == sa.bindparam("index"),
    )
)


@attrs.frozen
class RenderedTry:
    """What the templates of a try became, by field."""

    task_id: str
    map_index: int
    try_number: int
    fields: Mapping[str, Any]


def keep_rendered_fields(connection: sa.Connection, reports: Iterable[TryStarted | TryEnded]) -> None:
    """Keep what the reports bring along."""
    rows = [
        (report.workload.task_instance_id, report.workload.token, report.rendered_fields)
        for report in reports
        if report.rendered_fields
    ]
    if rows:
        connection.execute(unanswered(_KEEP[connection.dialect.name]), {"rendered": dump_rows(rows)})


def read_rendered_fields(
    connection: sa.Connection, *, dag_id: str, run_id: str, task_id: str, map_index: int
) -> RenderedTry:
    """What the templates of a task instance became in its current try.

    Raises:
        DagRunNotFound, TaskNotFound: There is no such run or task instance.
        UsageError: Nothing was rendered yet, or there is nothing to render.
    """
    run = find_run(connection, dag_id, run_id)
    if run is None:
        raise DagRunNotFound(dag_id, run_id)
    row = connection.execute(_READ, {"run": run.id, "task": task_id, "index": map_index}).one_or_none()
    if row is None:
        raise TaskNotFound(dag_id, task_id)
    if row.fields is None:
        raise UsageError(
            f"the current try of task {task_id!r} in run {run_id!r} has rendered no field: it has no"
            f" templates, or has not begun; see `flowcore tasks render {dag_id} {task_id}`"
        )
    return RenderedTry(*row)

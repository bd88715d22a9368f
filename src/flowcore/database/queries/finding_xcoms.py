"""Find XComs by task and key, in all instances of mapped tasks: units that only read.

Only what the current try of a task instance pushed is found.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from flowcore.database.queries.claims import literal
from flowcore.database.rows import dump_rows, rows_of
from flowcore.database.tables import dag_run, task_instance, xcom

_r, _t, _x = dag_run.c, task_instance.c, xcom.c
#: Run, task and key.
XComName = tuple[int, str, str]
#: Map index and JSON text.
IndexedText = tuple[int, str]

_wanted = rows_of("wanted", dag_run_id=sa.BigInteger, task_id=sa.Text, key=sa.Text)
_FIND = (
    sa.select(_wanted, _t.map_index, _x.value)
    .join(
        task_instance,
        sa.and_(_t.dag_run_id == _wanted.c.dag_run_id, _t.task_id == _wanted.c.task_id),
    )
    .join(
        xcom,
        sa.and_(_x.task_instance_id == _t.id, _x.try_number == _t.try_number, _x.key == _wanted.c.key),
    )
    .order_by(_t.map_index)
)
#: What those who are mapped over a task, or take all of its results, see of it.
_NAME = ("run", "task", "key")
_RESULTS = (
    sa.select(_t.map_index, _x.value)
    .join(xcom, sa.and_(_x.task_instance_id == _t.id, _x.try_number == _t.try_number))
    .where(
        _t.dag_run_id == sa.bindparam("run"),
        _t.task_id == sa.bindparam("task"),
        _x.key == sa.bindparam("key"),
        _t.state == literal("success"),
    )
)
_COUNT = sa.select(sa.func.count()).select_from(_RESULTS.subquery())
_SLICE = _RESULTS.order_by(_t.map_index).limit(sa.bindparam("limit")).offset(sa.bindparam("start"))
_RUN = sa.select(_r.id).where(_r.dag_id == sa.bindparam("dag"), _r.run_id == sa.bindparam("run_id"))
_LATEST_RUN = (
    sa.select(_r.id)
    .join_from(dag_run, task_instance, _t.dag_run_id == _r.id)
    .join(xcom, sa.and_(_x.task_instance_id == _t.id, _x.try_number == _t.try_number))
    .where(
        _r.dag_id == sa.bindparam("dag"),
        _r.logical_date <= sa.bindparam("until"),
        _t.task_id == sa.bindparam("task"),
        _x.key == sa.bindparam("key"),
    )
    .order_by(_r.logical_date.desc())
    .limit(1)
)


def find_xcoms(
    connection: sa.Connection, wanted: Sequence[XComName]
) -> Mapping[XComName, Sequence[IndexedText]]:
    """What was pushed under each name, by map index."""
    found: dict[XComName, list[IndexedText]] = defaultdict(list)
    for row in connection.execute(_FIND, {"wanted": dump_rows(wanted)}):
        found[row.dag_run_id, row.task_id, row.key].append((row.map_index, row.value))
    return found


def count_xcoms(connection: sa.Connection, name: XComName) -> int:
    """How many instances of the task succeeded and pushed something under the name."""
    return connection.scalar(_COUNT, dict(zip(_NAME, name, strict=True))) or 0


def slice_xcoms(
    connection: sa.Connection, *, name: XComName, start: int, limit: int
) -> Sequence[IndexedText]:
    """What at most `limit` of these pushed, by map index, after the first `start` of them."""
    bound = {**dict(zip(_NAME, name, strict=True)), "start": start, "limit": limit}
    return [(row.map_index, row.value) for row in connection.execute(_SLICE, bound)]


def search_xcoms(
    connection: sa.Connection,
    *,
    dag_id: str,
    run_id: str,
    task_ids: Sequence[str],
    key: str,
    until: datetime | None,
) -> Mapping[str, Sequence[IndexedText]]:
    """What tasks pushed in a run.

    With `until`, each in the latest run with a logical date up to that in which it pushed anything.
    """
    if until is None:
        run = connection.scalar(_RUN, {"dag": dag_id, "run_id": run_id})
        runs = dict.fromkeys(task_ids, run)
    else:
        bound = {"dag": dag_id, "key": key, "until": until}
        # One after the other: each stops at the first run that it finds.
        runs = {task: connection.scalar(_LATEST_RUN, {**bound, "task": task}) for task in task_ids}
    found = find_xcoms(connection, [(run, task, key) for task, run in runs.items() if run is not None])
    return {task_id: texts for (_, task_id, _), texts in found.items()}

"""What tasks learn about runs and task instances when they ask: units that only read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from flowcore.database.queries.claims import names, state_of
from flowcore.database.rows import dump_rows, rows_of
from flowcore.database.tables import dag_run, task_instance
from flowcore.database.types import UtcDateTime
from flowcore.domain.dag_runs import DagRun, PastTaskInstance, RunFilter, TaskInstanceFilter
from flowcore.domain.states import DagRunState

_r, _t = dag_run.c, task_instance.c
#: The fields of a `DagRun`.
RUN_COLUMNS = (
    _r.dag_id,
    _r.run_id,
    _r.run_type,
    _r.state,
    _r.run_after,
    _r.logical_date,
    _r.data_interval_start,
    _r.data_interval_end,
    _r.start_date,
    _r.end_date,
    _r.conf,
    _r.partition_key,
    _r.partition_date,
)
_RUNS = sa.select(*RUN_COLUMNS)
_TASK_INSTANCES = sa.select(
    _r.dag_id,
    _r.run_id,
    _t.task_id,
    _t.map_index,
    _t.try_number,
    _t.state,
    _r.logical_date,
    _t.start_date,
    _t.end_date,
).join_from(task_instance, dag_run, _t.dag_run_id == _r.id)
#: How a task names the state of a task instance that has none yet.
_NO_STATE = "none"

_Condition = sa.ColumnElement[bool]
_Conditions = Iterator[tuple[_Condition, dict[str, Any]]]


def get_dag_run(connection: sa.Connection, dag_id: str, run_id: str) -> DagRun | None:
    """The run of that name."""
    row = connection.execute(_RUNS.where(_r.dag_id == dag_id, _r.run_id == run_id)).one_or_none()
    return row and _run(row)


def get_previous_dag_run(
    connection: sa.Connection, dag_id: str, before: datetime, state: str | None
) -> DagRun | None:
    """The run with the latest logical date before that moment, in that state if one is given."""
    conditions = [_r.dag_id == dag_id, _r.logical_date < before]
    if state is not None:
        conditions.append(_r.state == state)
    latest = _RUNS.where(*conditions).order_by(_r.logical_date.desc()).limit(1)
    row = connection.execute(latest).one_or_none()
    return row and _run(row)


def get_previous_task_instance(
    connection: sa.Connection,
    *,
    dag_id: str,
    task_id: str,
    map_index: int,
    before: datetime,
    state: str | None,
) -> PastTaskInstance | None:
    """The task instance of the run with the latest logical date before that moment that has one."""
    conditions = [
        _r.dag_id == dag_id,
        _r.logical_date < before,
        _t.task_id == task_id,
        _t.map_index == map_index,
    ]
    if state is not None:
        conditions.append(_t.state == state)
    latest = _TASK_INSTANCES.where(*conditions).order_by(_r.logical_date.desc()).limit(1)
    row = connection.execute(latest).one_or_none()
    return row and _task_instance(row)


def count_dag_runs(connection: sa.Connection, selection: RunFilter) -> int:
    """How many runs are meant."""
    counted = sa.select(sa.func.count()).select_from(dag_run)
    return int(_selected(connection, counted, _of_runs(selection)).scalar_one())


def count_task_instances(connection: sa.Connection, selection: TaskInstanceFilter) -> int:
    """How many task instances are meant."""
    counted = sa.select(sa.func.count()).join_from(task_instance, dag_run, _t.dag_run_id == _r.id)
    return int(_selected(connection, counted, _of_task_instances(selection)).scalar_one())


def list_selected(connection: sa.Connection, selection: TaskInstanceFilter) -> Sequence[PastTaskInstance]:
    """The task instances that are meant, by run, in Dag order."""
    ordered = _TASK_INSTANCES.order_by(_r.run_after, _r.id, _t.position, _t.map_index)
    return [_task_instance(row) for row in _selected(connection, ordered, _of_task_instances(selection))]


def _selected(
    connection: sa.Connection, query: sa.Select[Any], conditions: _Conditions
) -> sa.CursorResult[Any]:
    values: dict[str, Any] = {}
    for condition, bound in conditions:
        query = query.where(condition)
        values |= bound
    return connection.execute(query, values)


def _of_runs(selection: RunFilter) -> _Conditions:
    yield from _in_runs(selection.dag_id, selection.run_ids, selection.logical_dates)
    if selection.states is not None:
        yield _r.state.in_(names("states")), _texts("states", selection.states)


def _of_task_instances(selection: TaskInstanceFilter) -> _Conditions:
    yield from _in_runs(selection.dag_id, selection.run_ids, selection.logical_dates)
    if selection.task_ids is not None:
        yield _t.task_id.in_(names("tasks")), _texts("tasks", selection.task_ids)
    if selection.map_index is not None:
        yield _t.map_index == selection.map_index, {}
    if selection.states is not None:
        stated = sa.func.coalesce(_t.state, _NO_STATE)
        yield stated.in_(names("states")), _texts("states", selection.states)


def _in_runs(
    dag_id: str, run_ids: Sequence[str] | None, logical_dates: Sequence[datetime] | None
) -> _Conditions:
    yield _r.dag_id == dag_id, {}
    if run_ids is not None:
        yield _r.run_id.in_(names("runs")), _texts("runs", run_ids)
    if logical_dates is not None:
        dates = rows_of("dates", at=UtcDateTime)
        yield (
            _r.logical_date.in_(sa.select(dates.c.at)),
            {"dates": dump_rows((date,) for date in logical_dates)},
        )


def _texts(name: str, texts: Sequence[str]) -> dict[str, Any]:
    return {name: dump_rows((text,) for text in texts)}


def _run(row: Any) -> DagRun:
    return DagRun(**{**row._mapping, "state": DagRunState(row.state)})


def _task_instance(row: Any) -> PastTaskInstance:
    return PastTaskInstance(**{**row._mapping, "state": state_of(row.state)})

"""What a caller sees of a run: its state, its task instances, its XComs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import attrs
import sqlalchemy as sa

from flowcore.database.queries.claims import ids, literal, names, state_of
from flowcore.database.rows import dump_rows, rows_of
from flowcore.database.tables import asset_delivery, callback, dag, dag_run, task_instance, xcom
from flowcore.database.types import UtcDateTime
from flowcore.domain.states import DagRunState, TaskInstanceState

_RUNS = sa.select(
    dag_run.c.id,
    dag_run.c.dag_id,
    dag_run.c.run_id,
    dag_run.c.state,
    dag_run.c.start_date,
    dag_run.c.end_date,
)
_RUNS_BY_ID = _RUNS.where(dag_run.c.id.in_(ids("runs")))
_RUN_BY_NAME = _RUNS.where(dag_run.c.dag_id == sa.bindparam("dag"), dag_run.c.run_id == sa.bindparam("run"))
_t = task_instance.c
_TASK_INSTANCES = (
    sa.select(
        *(_t[name] for name in ("task_id", "map_index", "try_number", "state", "start_date", "end_date")),
        _t.error,
        _t.rendered_map_index,
    )
    .where(_t.dag_run_id == sa.bindparam("run"))
    .order_by(_t.position, _t.map_index)
)
_wanted = rows_of("wanted", dag_run_id=sa.BigInteger, task_id=sa.Text, map_index=sa.Integer, key=sa.Text)
_XCOMS = (
    sa.select(_wanted, xcom.c.value)
    .join(
        task_instance,
        sa.and_(
            _t.dag_run_id == _wanted.c.dag_run_id,
            _t.task_id == _wanted.c.task_id,
            _t.map_index == _wanted.c.map_index,
        ),
    )
    .join(
        xcom,
        sa.and_(
            xcom.c.task_instance_id == _t.id,
            xcom.c.try_number == _t.try_number,
            xcom.c.key == _wanted.c.key,
        ),
    )
)

_ENDED = sa.select(dag_run.c.id).where(
    dag_run.c.id.in_(ids("runs")), dag_run.c.state.in_([literal("success"), literal("failed")])
)
_UNFINISHED = (
    sa.select(dag_run.c.id)
    .where(
        dag_run.c.dag_id.in_(names("dags")),
        sa.or_(
            dag_run.c.state == literal("running"),
            sa.and_(
                dag_run.c.state == literal("queued"),
                dag_run.c.dag_id.not_in(
                    sa.select(dag.c.dag_id).where(
                        sa.or_(dag.c.is_paused.is_(sa.true()), dag.c.is_active.is_(sa.false()))
                    )
                ),
            ),
        ),
    )
    .limit(1)
)
_CALLBACKS = (
    sa.select(callback.c.id)
    .where(
        callback.c.dag_id.in_(names("dags")),
        callback.c.state.in_([literal("pending"), literal("running")]),
    )
    .limit(1)
)
_DUE = (
    sa.select(dag.c.dag_id)
    .where(
        dag.c.dag_id.in_(names("dags")),
        dag.c.is_paused.is_(sa.false()),
        dag.c.is_active.is_(sa.true()),
        dag.c.next_run_after <= sa.bindparam("due_by", type_=UtcDateTime),
    )
    .limit(1)
)

#: Nobody has looked at the Dag since these assets were updated.
_HAS_NEWS = (
    sa.select(dag.c.dag_id)
    .join(asset_delivery, asset_delivery.c.dag_id == dag.c.dag_id)
    .where(
        dag.c.dag_id.in_(names("dags")),
        dag.c.is_paused.is_(sa.false()),
        dag.c.is_active.is_(sa.true()),
        asset_delivery.c.state == literal("new"),
    )
    .limit(1)
)

#: Names one XCom: run, task, map index, key.
XComAddress = tuple[int, str, int, str]


@attrs.frozen
class RunView:
    """A run as it stands in the database. Times are aware and in UTC."""

    id: int
    dag_id: str
    run_id: str
    state: DagRunState = attrs.field(converter=DagRunState)
    start_date: datetime | None = None
    end_date: datetime | None = None


@attrs.frozen
class TaskInstanceView:
    """A task instance as it stands in the database; `map_index` is -1 when it is not mapped.

    `rendered_map_index` is what its `map_index_template` became.
    """

    task_id: str
    map_index: int
    try_number: int
    state: TaskInstanceState | None = attrs.field(converter=state_of)
    start_date: datetime | None
    end_date: datetime | None
    error: str | None
    rendered_map_index: str | None = None


def view_runs(connection: sa.Connection, run_ids: Iterable[int]) -> Sequence[RunView]:
    """Read several runs at once."""
    return [
        RunView(*row) for row in connection.execute(_RUNS_BY_ID, {"runs": dump_rows((i,) for i in run_ids)})
    ]


def find_run(connection: sa.Connection, dag_id: str, run_id: str) -> RunView | None:
    """Read the run of that name; None when there is none."""
    row = connection.execute(_RUN_BY_NAME, {"dag": dag_id, "run": run_id}).one_or_none()
    return None if row is None else RunView(*row)


def view_task_instances(connection: sa.Connection, dag_run_id: int) -> Sequence[TaskInstanceView]:
    """Read the task instances of a run in Dag order."""
    rows = connection.execute(_TASK_INSTANCES, {"run": dag_run_id})
    return [TaskInstanceView(**row._mapping) for row in rows]


def pull_xcoms(connection: sa.Connection, wanted: Sequence[XComAddress]) -> dict[XComAddress, str]:
    """Read the JSON texts of the XComs that exist, as their current tries pushed them."""
    rows = connection.execute(_XCOMS, {"wanted": dump_rows(wanted)})
    return {(row.dag_run_id, row.task_id, row.map_index, row.key): row.value for row in rows}


def ended_runs(connection: sa.Connection, run_ids: Iterable[int]) -> Sequence[int]:
    """Tell which of these runs have ended."""
    return connection.scalars(_ENDED, {"runs": dump_rows((i,) for i in run_ids)}).all()


def is_idle(connection: sa.Connection, dag_ids: Iterable[str], *, due_by: datetime | None) -> bool:
    """Whether no run of these Dags is running, or waits to run and is neither paused nor inactive.

    And no callback of theirs is to be called.

    With `due_by` also no run must be due by then, for somebody will create it.
    """
    dags = dump_rows((dag_id,) for dag_id in dag_ids)
    if any(connection.execute(query, {"dags": dags}).first() for query in (_UNFINISHED, _CALLBACKS)):
        return False
    if due_by is None:
        return True
    due = connection.execute(_DUE, {"dags": dags, "due_by": due_by}).first()
    return due is None and connection.execute(_HAS_NEWS, {"dags": dags}).first() is None

"""What the database knows of runs and their task instances, for those who look from outside.

Lists are complete and ordered. Times are aware and in UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import attrs
import sqlalchemy as sa

from flowcore.database.queries.claims import state_of
from flowcore.database.queries.listing_dags import dag_not_found
from flowcore.database.queries.run_views import find_run
from flowcore.database.tables import dag, dag_run, task_instance, xcom
from flowcore.domain.states import DagRunState, TaskInstanceState
from flowcore.errors import DagRunNotFound

_r, _t = dag_run.c, task_instance.c
_RUNS = (
    sa.select(
        _r.dag_id,
        _r.run_id,
        _r.run_type,
        _r.state,
        _r.run_after,
        _r.logical_date,
        _r.start_date,
        _r.end_date,
        _r.partition_key,
    )
    .where(_r.dag_id == sa.bindparam("dag"))
    .order_by(_r.run_after.desc(), _r.id.desc())
)
_TASK_INSTANCES = (
    sa.select(
        *(_t[name] for name in ("task_id", "map_index", "try_number", "state", "start_date", "end_date")),
        _t.error,
        xcom.c.value.label("xcom"),
        _t.rendered_map_index,
    )
    .join_from(
        task_instance,
        xcom,
        sa.and_(
            xcom.c.task_instance_id == _t.id,
            xcom.c.try_number == _t.try_number,
            xcom.c.key == "return_value",
        ),
        isouter=True,
    )
    .where(_t.dag_run_id == sa.bindparam("run"))
    .order_by(_t.position, _t.map_index)
)


@attrs.frozen
class ListedRun:
    """A Dag run."""

    dag_id: str
    run_id: str
    run_type: str
    state: DagRunState = attrs.field(converter=DagRunState)
    run_after: datetime
    logical_date: datetime | None
    start_date: datetime | None
    end_date: datetime | None
    partition_key: str | None


@attrs.frozen
class ListedTaskInstance:
    """A task instance; `xcom` is the JSON text of its return value, None where it has none."""

    task_id: str
    map_index: int
    try_number: int
    state: TaskInstanceState | None = attrs.field(converter=state_of)
    start_date: datetime | None
    end_date: datetime | None
    error: str | None
    xcom: str | None
    rendered_map_index: str | None = None


def list_runs(connection: sa.Connection, dag_id: str) -> Sequence[ListedRun]:
    """All runs of a Dag, the latest first; also of a Dag whose file is gone.

    Raises:
        DagNotFound: no Dag of that id was ever registered.
    """
    if connection.scalar(sa.select(dag.c.dag_id).where(dag.c.dag_id == dag_id)) is None:
        raise dag_not_found(connection, dag_id)
    return [ListedRun(*row) for row in connection.execute(_RUNS, {"dag": dag_id})]


def list_task_instances(connection: sa.Connection, dag_id: str, run_id: str) -> Sequence[ListedTaskInstance]:
    """The task instances of a run in Dag order.

    Raises:
        DagRunNotFound: the Dag has no such run.
    """
    run = find_run(connection, dag_id, run_id)
    if run is None:
        raise DagRunNotFound(dag_id, run_id)
    rows = connection.execute(_TASK_INSTANCES, {"run": run.id})
    return [ListedTaskInstance(**row._mapping) for row in rows]

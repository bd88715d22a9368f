"""Delete runs, or all that is known of a Dag. What a live process works on cannot be deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from flowcore.database.queries.claims import ids
from flowcore.database.queries.listing_dags import dag_not_found
from flowcore.database.queries.selected import lock_runs
from flowcore.database.queries.unsettled_marks import mark_other_runs
from flowcore.database.rows import dump_rows
from flowcore.database.tables import (
    asset_delivery,
    asset_reference,
    asset_schedule,
    backfill,
    backfill_date,
    callback,
    dag,
    dag_run,
    dag_source,
    dag_version,
    lease,
    rendered_fields,
    task_instance,
    task_state_store,
    task_try,
    unsettled,
    xcom,
)
from flowcore.database.types import database_now
from flowcore.database.wakeups import wake
from flowcore.domain.selections import RunSelection
from flowcore.domain.states import DagRunState
from flowcore.domain.xcoms import XComPlace, place_of_all
from flowcore.errors import UsageError
from flowcore.scheduler.wake_graph import Channel

_t = task_instance.c
_LOCK_DAG = sa.select(dag.c.dag_id).where(dag.c.dag_id == sa.bindparam("dag")).with_for_update()
_ALIVE = (
    sa.select(_t.task_id)
    .join(lease, lease.c.id == _t.lease_id)
    .where(_t.dag_run_id.in_(ids("runs")), lease.c.expires_at > database_now())
    .order_by(_t.id)
    .limit(1)
)
_TRIED = (
    sa.select(dag_run.c.run_id, _t.task_id, _t.map_index)
    .join(dag_run, dag_run.c.id == _t.dag_run_id)
    .where(_t.dag_id == sa.bindparam("dag"), dag_run.c.dag_id == sa.bindparam("dag"), _t.try_number > 0)
    .order_by(_t.id)
)
_of_runs = sa.select(_t.id).where(_t.dag_run_id.in_(ids("runs")))
#: Which rows belong to runs, in the order in which they go: what refers to something before it.
OF_RUNS: Mapping[sa.Table, sa.ColumnElement[bool]] = {
    xcom: xcom.c.task_instance_id.in_(_of_runs),
    task_try: task_try.c.task_instance_id.in_(_of_runs),
    task_state_store: task_state_store.c.task_instance_id.in_(_of_runs),
    rendered_fields: rendered_fields.c.task_instance_id.in_(_of_runs),
    unsettled: unsettled.c.dag_run_id.in_(ids("runs")),
    callback: callback.c.dag_run_id.in_(ids("runs")),
    asset_delivery: asset_delivery.c.dag_run_id.in_(ids("runs")),
    task_instance: _t.dag_run_id.in_(ids("runs")),
    dag_run: dag_run.c.id.in_(ids("runs")),
}
#: What goes on without them.
_FORGET_RUNS = (
    backfill_date.update().values(dag_run_id=None).where(backfill_date.c.dag_run_id.in_(ids("runs")))
)
_OF_DAG: sa.BindParameter[str] = sa.bindparam("dag")
_BACKFILLS = sa.select(backfill.c.id).where(backfill.c.dag_id == _OF_DAG)
_DELETE_DAG = (
    backfill_date.delete().where(backfill_date.c.backfill_id.in_(_BACKFILLS)),
    backfill.delete().where(backfill.c.dag_id == _OF_DAG),
    *(
        table.delete().where(table.c.dag_id == _OF_DAG)
        for table in (asset_reference, asset_schedule, asset_delivery)
    ),
    dag_version.delete().where(dag_version.c.dag_id == _OF_DAG),
    dag.delete().where(dag.c.dag_id == _OF_DAG),
)
#: A text may belong to versions of several Dags.
DELETE_SOURCES = dag_source.delete().where(
    ~sa.exists().where(dag_version.c.source_digest == dag_source.c.digest)
)


def delete_run(connection: sa.Connection, dag_id: str, run_id: str) -> None:
    """Delete a run that does not run, with all that is known of it.

    Raises:
        DagRunNotFound: the Dag has no run of that name.
        UsageError: the run is running, or a try of it is still being stopped.
    """
    [run] = lock_runs(connection, RunSelection(dag_id=dag_id, run_id=run_id))
    if run.state is DagRunState.RUNNING:
        raise UsageError(
            f"run {run_id!r} of Dag {dag_id!r} is running; wait for its end, or mark it failed first"
        )
    _delete_runs(connection, dag_id, [run.id])


def delete_dag(connection: sa.Connection, dag_id: str) -> int:
    """Delete a Dag with its versions and runs; how many runs it had. A Dag whose file is there comes back.

    Raises:
        DagNotFound: no Dag of that id was ever registered.
        UsageError: a try of it runs.
    """
    if connection.scalar(_LOCK_DAG, {"dag": dag_id}) is None:
        raise dag_not_found(connection, dag_id)
    runs = lock_runs(connection, RunSelection(dag_id=dag_id))
    _delete_runs(connection, dag_id, [run.id for run in runs])
    for statement in _DELETE_DAG:
        connection.execute(statement, {"dag": dag_id})
    connection.execute(DELETE_SOURCES)
    return len(runs)


def tried_places(connection: sa.Connection, dag_id: str, run_id: str | None) -> Sequence[XComPlace]:
    """Where tries of a run, or of all runs of a Dag, may have left XComs outside of the database."""
    query = _TRIED if run_id is None else _TRIED.where(dag_run.c.run_id == sa.bindparam("run"))
    rows = connection.execute(query, {"dag": dag_id, "run": run_id})
    return [place_of_all(dag_id, row.run_id, row.task_id, row.map_index) for row in rows]


def delete_rows(connection: sa.Connection, run_ids: Sequence[int]) -> Mapping[str, int]:
    """Delete these runs and all that belongs to them, unasked; how many rows of which table."""
    keys = {"runs": dump_rows((run_id,) for run_id in run_ids)}
    connection.execute(_FORGET_RUNS, keys)
    return {
        table.name: connection.execute(table.delete().where(of), keys).rowcount
        for table, of in OF_RUNS.items()
    }


def _delete_runs(connection: sa.Connection, dag_id: str, run_ids: Sequence[int]) -> None:
    runs = {"runs": dump_rows((run_id,) for run_id in run_ids)}
    alive = connection.scalar(_ALIVE, runs)
    if alive is not None:
        raise UsageError(
            f"task {alive!r} of Dag {dag_id!r} is running or is being stopped; pause the Dag, mark its runs"
            " failed, and try again when its tries have stopped"
        )
    mark_other_runs(connection, run_ids)
    delete_rows(connection, run_ids)
    wake(connection, Channel.RUNS_ENDED)

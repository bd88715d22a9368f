"""Move runs that have ended to the newest version of their Dag, before they begin again.

Task instances keep their tasks by name. Those whose task is gone are removed and stand beside the Dag, at no
position; new tasks get their task instances when the run starts.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import sqlalchemy as sa

from flowcore.database.queries.claims import ids, literal, names
from flowcore.database.queries.selected import SelectedRun
from flowcore.database.rows import dump_rows, rows_of
from flowcore.database.tables import dag, dag_run, dag_version, task_instance
from flowcore.domain.dags import Dag
from flowcore.domain.serialization import load_dag
from flowcore.errors import UsageError

_t = task_instance.c
_LATEST = (
    sa.select(dag_version.c.id, dag_version.c.document)
    .join(dag, dag.c.latest_version_id == dag_version.c.id)
    .where(dag.c.dag_id == sa.bindparam("dag"))
)
_SWITCH = dag_run.update().values(dag_version_id=sa.bindparam("version")).where(dag_run.c.id.in_(ids("runs")))
_tasks = rows_of(
    "tasks",
    task_id=sa.Text,
    position=sa.Integer,
    pool=sa.Text,
    pool_slots=sa.Integer,
    priority_weight=sa.Integer,
    executor=sa.Text,
    runs_in=sa.Text,
)
_was_gone = sa.and_(_t.position < 0, _t.state == literal("removed"))
_ADAPT = (
    task_instance.update()
    .values(
        state=sa.case((_was_gone, None), else_=_t.state),
        position=_tasks.c.position,
        pool=_tasks.c.pool,
        pool_slots=_tasks.c.pool_slots,
        priority_weight=_tasks.c.priority_weight,
        executor=_tasks.c.executor,
        runs_in=_tasks.c.runs_in,
    )
    .where(_t.dag_run_id.in_(ids("runs")), _t.task_id == _tasks.c.task_id)
)
_REMOVE = (
    task_instance.update()
    .values(state="removed", position=-1)
    .where(_t.dag_run_id.in_(ids("runs")), _t.task_id.not_in(names("known")))
)


def switch_to_latest(
    connection: sa.Connection, dag_id: str, runs: Sequence[SelectedRun]
) -> Sequence[SelectedRun]:
    """Move runs that are locked to the newest version of their Dag.

    Raises:
        UsageError: one of them has not ended.
    """
    version_id, latest = _latest(connection, dag_id)
    moved = [run for run in runs if run.dag_version_id != version_id]
    for run in moved:
        if not run.is_finished:
            raise UsageError(
                f"run {run.run_id!r} of Dag {dag_id!r} is {run.state} and stays on its version until it has"
                " ended; wait for it, or mark it failed first"
            )
    if moved:
        keys = dump_rows((run.id,) for run in moved)
        connection.execute(_SWITCH, {"runs": keys, "version": version_id})
        known = dump_rows((task.task_id,) for task in latest.tasks)
        connection.execute(_REMOVE, {"runs": keys, "known": known})
        connection.execute(_ADAPT, {"runs": keys, "tasks": _task_rows(latest)})
    return [attrs.evolve(run, dag_version_id=version_id) for run in runs]


def _latest(connection: sa.Connection, dag_id: str) -> tuple[int, Dag]:
    row = connection.execute(_LATEST, {"dag": dag_id}).one()
    return row.id, load_dag(row.document)


def _task_rows(of: Dag) -> str:
    return dump_rows(
        (
            task.task_id,
            task.position,
            task.pool,
            task.pool_slots,
            task.priority_weight,
            task.executor,
            task.runs_in,
        )
        for task in of.tasks
    )

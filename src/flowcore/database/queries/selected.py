"""Find and lock what somebody wants to change by hand: runs first, then their task instances, each by id."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

import attrs
import sqlalchemy as sa

from flowcore.database.queries.claims import ids, names, state_of
from flowcore.database.queries.listing_dags import dag_not_found
from flowcore.database.rows import dump_rows
from flowcore.database.tables import dag, dag_run, lease, task_instance
from flowcore.domain.dags import Dag
from flowcore.domain.selections import RunSelection, TaskSelection
from flowcore.domain.states import FINISHED_RUN, DagRunState
from flowcore.errors import DagRunNotFound, UsageError
from flowcore.scheduler.decisions.change_task_instances import FoundInstance

_r, _t = dag_run.c, task_instance.c
_RUNS = (
    sa.select(_r.id, _r.run_id, _r.dag_version_id, _r.state, _r.logical_date)
    .order_by(_r.id)
    .with_for_update(key_share=True)
)
_DATE = sa.select(_r.logical_date).where(_r.dag_id == sa.bindparam("dag"), _r.run_id == sa.bindparam("run"))
_TASK_INSTANCES = (
    sa.select(
        _t.id,
        _t.dag_run_id,
        _t.task_id,
        _t.position,
        _t.map_index,
        _t.state,
        _t.try_number,
        sa.func.coalesce(_t.lease_id.in_(sa.select(lease.c.id)), sa.false()).label("is_held"),
    )
    .where(_t.dag_run_id.in_(ids("runs")), _t.position >= 0)
    .order_by(_t.id)
    .with_for_update(of=task_instance, key_share=True)
)
_OF_TASKS = _TASK_INSTANCES.where(_t.task_id.in_(names("tasks")))


@attrs.frozen
class SelectedRun:
    """A run that is locked."""

    id: int
    run_id: str
    dag_version_id: int
    state: DagRunState = attrs.field(converter=DagRunState)
    logical_date: datetime | None = None

    @property
    def is_finished(self) -> bool:
        """Whether it has ended."""
        return self.state in FINISHED_RUN


def lock_runs(connection: sa.Connection, selection: RunSelection) -> Sequence[SelectedRun]:
    """Lock the runs that are meant.

    Raises:
        DagNotFound: no Dag of that id was ever registered.
        DagRunNotFound: the Dag has no run of that name.
    """
    conditions = [_r.dag_id == selection.dag_id]
    if selection.run_id is not None:
        conditions.append(_around(connection, selection, selection.run_id))
    elif connection.scalar(sa.select(dag.c.dag_id).where(dag.c.dag_id == selection.dag_id)) is None:
        raise dag_not_found(connection, selection.dag_id)
    if selection.start_date is not None:
        conditions.append(_r.logical_date >= selection.start_date)
    if selection.end_date is not None:
        conditions.append(_r.logical_date <= selection.end_date)
    return [SelectedRun(*row) for row in connection.execute(_RUNS.where(*conditions))]


def lock_task_instances(
    connection: sa.Connection,
    runs: Collection[SelectedRun],
    positions: Mapping[int, Collection[int]],
    dags: Mapping[int, Dag],
) -> Sequence[FoundInstance]:
    """Lock the task instances at these positions, given for each version of the Dag that occurs."""
    version_of = {run.id: run.dag_version_id for run in runs}
    tasks = {dags[version].tasks[n].task_id for version, chosen in positions.items() for n in chosen}
    rows = connection.execute(
        _OF_TASKS, {"runs": _keys(version_of), "tasks": dump_rows((task,) for task in sorted(tasks))}
    )
    found = (_found(row) for row in rows)
    return [one for one in found if one.position in positions[version_of[one.dag_run_id]]]


def lock_all_task_instances(connection: sa.Connection, run_ids: Iterable[int]) -> Sequence[FoundInstance]:
    """Lock all task instances of these runs."""
    return [_found(row) for row in connection.execute(_TASK_INSTANCES, {"runs": _keys(run_ids)})]


def require_tasks(dag_id: str, tasks: TaskSelection, positions: Mapping[int, Collection[int]]) -> None:
    """Refuse a selection that means no task of the versions of the Dag that occur.

    Raises:
        UsageError: it does.
    """
    if positions and not any(positions.values()) and not tasks.is_everything:
        meant = tasks.task_regex if tasks.task_ids is None else ", ".join(sorted(tasks.task_ids))
        raise UsageError(f"Dag {dag_id!r} has no task {meant!r}; see `flowcore tasks list {dag_id}`")


def _around(connection: sa.Connection, selection: RunSelection, run_id: str) -> sa.ColumnElement[bool]:
    named = connection.execute(_DATE, {"dag": selection.dag_id, "run": run_id}).one_or_none()
    if named is None:
        raise DagRunNotFound(selection.dag_id, run_id)
    conditions = [_r.run_id == run_id]
    if selection.past and named.logical_date is not None:
        conditions.append(_r.logical_date < named.logical_date)
    if selection.future and named.logical_date is not None:
        conditions.append(_r.logical_date > named.logical_date)
    return sa.or_(*conditions)


def _found(row: sa.Row[*tuple[object, ...]]) -> FoundInstance:
    values = dict(row._mapping)
    return FoundInstance(**{**values, "state": state_of(values["state"]), "is_held": bool(values["is_held"])})


def _keys(run_ids: Iterable[int]) -> str:
    return dump_rows((run_id,) for run_id in run_ids)

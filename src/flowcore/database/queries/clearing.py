"""Clear task instances: they begin again, and their runs with them.

Tries so far are kept as history. A task instance whose try may be alive is restarting until the try has
stopped. A run that had ended is queued again, under the limits of its Dag like any other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from flowcore.database.dag_versions import DagVersions
from flowcore.database.queries.changed_instances import ChangedInstance, changed_instances
from flowcore.database.queries.claims import ids, literal
from flowcore.database.queries.external_marks import Cleared, marked_elsewhere
from flowcore.database.queries.selected import (
    SelectedRun,
    lock_all_task_instances,
    lock_runs,
    lock_task_instances,
    require_tasks,
)
from flowcore.database.queries.switch_versions import switch_to_latest
from flowcore.database.queries.task_tries import keep_current_tries
from flowcore.database.queries.unsettled_marks import mark_whole_runs
from flowcore.database.rows import dump_rows, rows_of
from flowcore.database.tables import dag_run, task_instance
from flowcore.database.types import UtcDateTime
from flowcore.database.unanswered import unanswered
from flowcore.database.wakeups import wake
from flowcore.domain.dags import Dag
from flowcore.domain.selections import RunSelection, TaskSelection, tasks_to_clear
from flowcore.domain.states import TaskInstanceState
from flowcore.scheduler.decisions.change_task_instances import (
    ClearedInstance,
    FoundInstance,
    clear_task_instance,
)
from flowcore.scheduler.wake_graph import Channel

_t, _r = task_instance.c, dag_run.c
_cleared = rows_of("cleared", id=sa.BigInteger, state=sa.Text, try_number=sa.Integer, max_tries=sa.Integer)
_restarts = _cleared.c.state == literal("restarting")
_CLEAR = (
    task_instance.update()
    .values(
        state=_cleared.c.state,
        try_number=_cleared.c.try_number,
        max_tries=_cleared.c.max_tries,
        lost_tries=0,
        lease_id=sa.case((_restarts, _t.lease_id)),
        start_date=sa.case((_restarts, _t.start_date)),
        trigger_id=None,
        scheduled_at=None,
        queued_at=None,
        end_date=None,
        due_at=None,
        waiting_since=None,
        reason=None,
        error=None,
        effects=None,
    )
    .where(_t.id == _cleared.c.id)
)
_NOW = sa.bindparam("now", type_=UtcDateTime)
_has_ended = _r.state.in_([literal("success"), literal("failed")])
_REQUEUE = (
    dag_run.update()
    .values(
        clear_number=_r.clear_number + 1,
        queued_at=_NOW,
        state=sa.case((_has_ended, literal("queued")), else_=_r.state),
        start_date=sa.case((_has_ended, None), else_=_r.start_date),
        end_date=None,
        timeout_at=sa.case((_has_ended, None), else_=_r.timeout_at),
        reason=None,
    )
    .where(_r.id.in_(ids("runs")))
)


def clear_task_instances(
    connection: sa.Connection,
    *,
    runs: RunSelection,
    tasks: TaskSelection,
    only: Collection[TaskInstanceState] | None = None,
    latest_version: bool = False,
    dry_run: bool = False,
    now: datetime,
) -> Sequence[ChangedInstance]:
    """Clear what is selected and, if `only` is given, is in one of these states; what that is, in Dag order.

    What depends on it in other Dags is cleared there (`external_marks.py`). Runs stay on their version of
    the Dag, unless `latest_version` moves those that have ended. With `dry_run` nothing is changed.

    Raises:
        DagNotFound: no Dag of that id was ever registered.
        DagRunNotFound: the Dag has no run of that name.
        UsageError: no task is selected, a run that has not ended is to change its version, or marks of tasks
            in other Dags cannot be followed.
    """
    selected, versions = lock_runs(connection, runs), DagVersions()
    if latest_version and not dry_run:
        selected = switch_to_latest(connection, runs.dag_id, selected)
    dags = versions.get(connection, {run.dag_version_id for run in selected})
    positions = {version: tasks_to_clear(of, tasks) for version, of in dags.items()}
    require_tasks(runs.dag_id, tasks, positions)
    found = [
        one
        for one in lock_task_instances(connection, selected, positions, dags)
        if (only is None or one.state in only) and tasks.covers(one.map_index)
    ]
    own = Cleared(dag_id=runs.dag_id, runs=selected, found=found, dags=dags)
    others = marked_elsewhere(connection, own, only=only)
    if not dry_run:
        whole = [run.id for run in selected if tasks.is_everything and only is None]
        clear_found(connection, selected, found, dags, whole_runs=whole, now=now)
        for other in others:
            clear_found(connection, other.runs, other.found, other.dags, now=now)
    return [changed for one in (own, *others) for changed in _changed(one)]


def _changed(cleared: Cleared) -> Sequence[ChangedInstance]:
    begun = [one for one in cleared.found if one.state is not None]
    return changed_instances(cleared.dag_id, cleared.runs, begun)


def clear_runs(connection: sa.Connection, selected: Sequence[SelectedRun], *, now: datetime) -> None:
    """Clear all task instances of runs that are locked."""
    dags = DagVersions().get(connection, {run.dag_version_id for run in selected})
    found = lock_all_task_instances(connection, [run.id for run in selected])
    clear_found(connection, selected, found, dags, whole_runs=[run.id for run in selected], now=now)


def clear_found(
    connection: sa.Connection,
    runs: Sequence[SelectedRun],
    found: Sequence[FoundInstance],
    dags: Mapping[int, Dag],
    *,
    whole_runs: Iterable[int] = (),
    now: datetime,
) -> None:
    """Clear task instances that are locked; their runs, and `whole_runs`, begin again."""
    version_of = {run.id: run.dag_version_id for run in runs}
    decided = [
        clear_task_instance(one, retries=dags[version_of[one.dag_run_id]].tasks[one.position].retries)
        for one in found
    ]
    cleared = [one for one in decided if one is not None]
    touched = {*whole_runs, *(one.dag_run_id for one in found)}
    _write(connection, cleared)
    if touched:
        keys = dump_rows((run_id,) for run_id in sorted(touched))
        connection.execute(unanswered(_REQUEUE), {"runs": keys, "now": now})
        mark_whole_runs(connection, touched)
        wake(connection, Channel.RUNS_QUEUED)


def _write(connection: sa.Connection, cleared: Sequence[ClearedInstance]) -> None:
    if not cleared:
        return
    keep_current_tries(connection, [one.id for one in cleared if one.state is None])
    rows = dump_rows((one.id, one.state, one.try_number, one.max_tries) for one in cleared)
    connection.execute(unanswered(_CLEAR), {"cleared": rows})
    if any(one.state is not None for one in cleared):
        wake(connection, Channel.REVOKED)

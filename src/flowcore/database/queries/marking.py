"""Mark task instances, or whole runs, as having ended in some way.

A try that goes on is revoked: its task instance shows the mark at once. What failed after a marked task is
cleared. A run that had ended already ends anew by its rules, so that its state always follows from its task
instances.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from flowcore.database.dag_versions import DagVersions
from flowcore.database.queries.changed_instances import ChangedInstance, changed_instances
from flowcore.database.queries.claims import literal
from flowcore.database.queries.clearing import clear_found
from flowcore.database.queries.selected import (
    SelectedRun,
    lock_all_task_instances,
    lock_runs,
    lock_task_instances,
    require_tasks,
)
from flowcore.database.queries.unsettled_marks import mark_other_runs, mark_whole_runs
from flowcore.database.rows import dump_rows, rows_of
from flowcore.database.tables import dag_run, task_instance
from flowcore.database.types import UtcDateTime
from flowcore.database.unanswered import unanswered
from flowcore.database.wakeups import wake
from flowcore.domain.dags import Dag
from flowcore.domain.selections import RunSelection, TaskSelection, tasks_to_mark
from flowcore.domain.setups import downstream_of
from flowcore.domain.states import FINISHED_RUN, DagRunState, TaskInstanceState
from flowcore.errors import UsageError
from flowcore.scheduler.decisions.change_task_instances import (
    FAILED_AFTERWARDS,
    MARKS,
    FoundInstance,
    is_to_be_marked,
    mark_dag_run,
)
from flowcore.scheduler.decisions.run_changes import Instance
from flowcore.scheduler.decisions.run_progress import RunProgress
from flowcore.scheduler.wake_graph import Channel

_t, _r = task_instance.c, dag_run.c
_NOW = sa.bindparam("now", type_=UtcDateTime)
_marked = rows_of("marked", id=sa.BigInteger, state=sa.Text, error=sa.Text)
_MARK = (
    task_instance.update()
    # The lease stays where a try goes on: it is revoked by that.
    .values(
        state=_marked.c.state,
        start_date=sa.func.coalesce(_t.start_date, _NOW),
        end_date=sa.func.coalesce(_t.end_date, _NOW),
        due_at=None,
        waiting_since=None,
        trigger_id=None,
        reason=None,
        error=sa.case((_marked.c.state != literal("success"), sa.func.coalesce(_t.error, _marked.c.error))),
    )
    .where(_t.id == _marked.c.id)
)
_ended = rows_of("ended", id=sa.BigInteger, state=sa.Text, reason=sa.Text)
_END = (
    dag_run.update()
    .values(
        state=_ended.c.state,
        reason=_ended.c.reason,
        start_date=sa.func.coalesce(_r.start_date, _NOW),
        end_date=sa.func.coalesce(_r.end_date, _NOW),
        revision=_r.revision + 1,
    )
    .where(_r.id == _ended.c.id)
)


def mark_task_instances(
    connection: sa.Connection,
    *,
    runs: RunSelection,
    tasks: TaskSelection,
    state: str,
    dry_run: bool = False,
    now: datetime,
) -> Sequence[ChangedInstance]:
    """Give the selected task instances the state success, failed or skipped; which these are, in Dag order.

    Raises:
        DagNotFound: no Dag of that id was ever registered.
        DagRunNotFound: the Dag has no run of that name.
        UsageError: no task is selected, or the state is none that can be given.
    """
    if state not in MARKS:
        raise UsageError(f"a task instance cannot be marked {state}; use one of {', '.join(sorted(MARKS))}")
    mark, selected = TaskInstanceState(state), lock_runs(connection, runs)
    dags = DagVersions().get(connection, {run.dag_version_id for run in selected})
    positions = {version: tasks_to_mark(of, tasks) for version, of in dags.items()}
    require_tasks(runs.dag_id, tasks, positions)
    found = [
        one
        for one in lock_task_instances(connection, selected, positions, dags)
        if tasks.covers(one.map_index) and is_to_be_marked(one, mark)
    ]
    if not dry_run:
        _write(connection, {one.id: mark for one in found}, found, now)
        _follow(connection, selected, found, dags, now)
    return changed_instances(runs.dag_id, selected, found)


def mark_runs(
    connection: sa.Connection, *, runs: RunSelection, state: str, dry_run: bool = False, now: datetime
) -> Sequence[ChangedInstance]:
    """End runs as success or failed, with their task instances; which of these are changed, in Dag order.

    A run whose teardowns have not ended goes on until they have.

    Raises:
        DagNotFound: no Dag of that id was ever registered.
        DagRunNotFound: the Dag has no run of that name.
        UsageError: the state is none in which a run ends.
    """
    if state not in FINISHED_RUN:
        raise UsageError(
            f"a run cannot be marked {state}; use success or failed, or clear it to run it again"
        )
    end, selected = DagRunState(state), lock_runs(connection, runs)
    dags = DagVersions().get(connection, {run.dag_version_id for run in selected})
    found = lock_all_task_instances(connection, [run.id for run in selected])
    marks: dict[int, TaskInstanceState] = {}
    ended = []
    for run in selected:
        of_run = [one for one in found if one.dag_run_id == run.id]
        states, has_ended = mark_dag_run(dags[run.dag_version_id], of_run, end)
        marks.update(states)
        if has_ended:
            ended.append(run.id)
    changed = [one for one in found if one.id in marks]
    if not dry_run:
        _write(connection, marks, changed, now)
        mark_other_runs(connection, (run.id for run in selected))
        _end(connection, [(run_id, end, None) for run_id in ended], now)
        mark_whole_runs(connection, {run.id for run in selected} - set(ended))
    return changed_instances(runs.dag_id, selected, changed)


def _write(
    connection: sa.Connection,
    marks: Mapping[int, TaskInstanceState],
    found: Sequence[FoundInstance],
    now: datetime,
) -> None:
    if not marks:
        return
    rows = dump_rows((key, mark, f"marked {mark} by hand") for key, mark in sorted(marks.items()))
    connection.execute(unanswered(_MARK), {"marked": rows, "now": now})
    if any(one.is_held for one in found):
        wake(connection, Channel.REVOKED)
    wake(connection, Channel.SLOTS_FREED)


def _follow(
    connection: sa.Connection,
    runs: Sequence[SelectedRun],
    found: Sequence[FoundInstance],
    dags: Mapping[int, Dag],
    now: datetime,
) -> None:
    """Clear what failed after the marked tasks, and see how runs end now."""
    touched = [run for run in runs if run.id in {one.dag_run_id for one in found}]
    mark_other_runs(connection, (run.id for run in touched))
    failed = _failed_after(connection, touched, found, dags)
    clear_found(connection, touched, failed, dags, now=now)
    begun_again = {one.dag_run_id for one in failed}
    others = [run for run in touched if run.id not in begun_again]
    mark_whole_runs(connection, (run.id for run in others if not run.is_finished))
    _end_anew(connection, [run for run in others if run.is_finished], dags, now)


def _failed_after(
    connection: sa.Connection,
    runs: Sequence[SelectedRun],
    found: Iterable[FoundInstance],
    dags: Mapping[int, Dag],
) -> Sequence[FoundInstance]:
    version_of = {run.id: run.dag_version_id for run in runs}
    marked: dict[int, set[int]] = {version: set() for version in version_of.values()}
    for one in found:
        marked[version_of[one.dag_run_id]].add(one.position)
    after = {version: downstream_of(dags[version], of) - of for version, of in marked.items()}
    candidates = lock_task_instances(connection, runs, after, dags)
    return [one for one in candidates if one.state in FAILED_AFTERWARDS]


def _end_anew(
    connection: sa.Connection, runs: Sequence[SelectedRun], dags: Mapping[int, Dag], now: datetime
) -> None:
    if not runs:
        return
    found = lock_all_task_instances(connection, [run.id for run in runs])
    ended, unfinished = [], []
    for run in runs:
        of_run = (one for one in found if one.dag_run_id == run.id)
        instances = [Instance(one.position, one.map_index, one.state) for one in of_run]
        changes = RunProgress.of(dags[run.dag_version_id], instances, revision=0).settle_all()
        if changes.run_state is None or changes.states or changes.expansions:
            unfinished.append(run)
        else:
            ended.append((run.id, changes.run_state, changes.reason))
    _end(connection, ended, now)
    clear_found(connection, unfinished, [], dags, whole_runs=[run.id for run in unfinished], now=now)


def _end(
    connection: sa.Connection, ended: Sequence[tuple[int, DagRunState, str | None]], now: datetime
) -> None:
    if ended:
        connection.execute(unanswered(_END), {"ended": dump_rows(ended), "now": now})
        wake(connection, Channel.RUNS_ENDED)

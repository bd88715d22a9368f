"""Runs that were decided on, and all that is written of them in the transaction that decided."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import attrs
import sqlalchemy as sa

from flowcore.database.queries.claims import ids, is_unfinished, literal, state_of
from flowcore.database.queries.dag_callbacks import EndedRun, ask_for_callbacks, ended_run
from flowcore.database.queries.insert_task_instances import added_keys, insert_expansions
from flowcore.database.queries.past_tasks import HeldTasks, let_by_past
from flowcore.database.queries.unsettled_marks import mark_other_runs
from flowcore.database.rows import dump_rows, rows_of
from flowcore.database.tables import dag_run, task_instance
from flowcore.database.try_effects import load_effects
from flowcore.database.types import UtcDateTime
from flowcore.database.unanswered import unanswered
from flowcore.database.wakeups import wake
from flowcore.domain.states import FINISHED, DagRunState
from flowcore.scheduler.decisions.run_changes import Instance, RunChanges
from flowcore.scheduler.decisions.run_progress import RunProgress
from flowcore.scheduler.wake_graph import Channel

#: The columns of which `instance_of` makes an `Instance`, with the run's.
INSTANCE = ("dag_run_id", "position", "map_index", "state", "effects")

_NOW = sa.bindparam("now", type_=UtcDateTime)
_states = rows_of(
    "states", dag_run_id=sa.BigInteger, task_id=sa.Text, map_index=sa.Integer, state=sa.Text, error=sa.Text
)
_is_scheduled = _states.c.state == literal("scheduled")
_WRITE_STATES = (
    task_instance.update()
    .values(
        state=_states.c.state,
        try_number=task_instance.c.try_number + sa.case((_is_scheduled, 1), else_=0),
        scheduled_at=sa.case((_is_scheduled, _NOW)),
        end_date=sa.case((_is_scheduled, None), else_=_NOW),
        error=_states.c.error,
    )
    .where(
        task_instance.c.dag_run_id == _states.c.dag_run_id,
        task_instance.c.task_id == _states.c.task_id,
        task_instance.c.map_index == _states.c.map_index,
        task_instance.c.state.is_(None),
    )
)
_spared = rows_of("spared", dag_run_id=sa.BigInteger, position=sa.Integer)
_STOP = (
    task_instance.update()
    # The lease stays where a try goes on: it is revoked by that.
    .values(state="skipped", end_date=_NOW, error="the Dag is fail_fast, and another task has failed")
    .where(
        task_instance.c.dag_run_id.in_(ids("runs")),
        is_unfinished(task_instance.c.state),
        ~sa.exists().where(
            _spared.c.dag_run_id == task_instance.c.dag_run_id,
            _spared.c.position == task_instance.c.position,
        ),
    )
    .returning(*(task_instance.c[name] for name in INSTANCE))
)
_runs = rows_of("runs", id=sa.BigInteger, state=sa.Text, end_date=UtcDateTime, reason=sa.Text)
_WRITE_RUNS = (
    dag_run.update()
    .values(
        revision=dag_run.c.revision + 1,
        decided_by=sa.bindparam("own"),
        state=_runs.c.state,
        end_date=_runs.c.end_date,
        reason=_runs.c.reason,
    )
    .where(dag_run.c.id == _runs.c.id)
)


@attrs.define
class Settled:
    """A run that was decided on; `progress` is to be remembered once this is committed.

    `has_changed` says that something had happened in it, and not in another run only.
    """

    dag_run_id: int
    progress: RunProgress
    changes: RunChanges
    has_changed: bool

    def callbacks(self) -> list[EndedRun]:
        """What callbacks of its Dag are to hear of it."""
        changes = self.changes
        return ended_run(self.dag_run_id, self.progress.dag, changes.run_state, changes.reason)

    @property
    def concerns_others(self) -> bool:
        """Whether tasks of other runs may have waited for what is written."""
        has_ends = any(state in FINISHED for state in self.changes.states.values())
        return self.progress.dag.looks_back and (self.has_changed or has_ends)


def instance_of(row: sa.Row[Any]) -> Instance:
    """What a row says of a task instance."""
    return Instance(row.position, row.map_index, state_of(row.state), load_effects(row.effects))


def stop_failed_fast(connection: sa.Connection, settled: Iterable[Settled], *, now: datetime) -> None:
    """Skip what has not ended in runs that failed fast, and settle that."""
    stopping = {run.dag_run_id: run for run in settled if run.changes.stops}
    if not stopping:
        return
    spared = (
        (run_id, task.position)
        for run_id, run in stopping.items()
        for task in run.progress.dag.tasks
        if task.is_teardown
    )
    keys = dump_rows((run_id,) for run_id in stopping)
    rows = connection.execute(_STOP, {"runs": keys, "spared": dump_rows(spared), "now": now}).all()
    for run_id, run in stopping.items():
        skipped = [instance_of(row) for row in rows if row.dag_run_id == run_id]
        run.changes = run.changes.then(run.progress.settle(skipped))
    wake(connection, Channel.REVOKED)
    wake(connection, Channel.SLOTS_FREED)


def admit_held(connection: sa.Connection, settled: Iterable[Settled]) -> None:
    """Ask for the tasks that are held whether the run before lets them, until nobody is left to ask for."""
    asked: dict[int, frozenset[int]] = defaultdict(frozenset)
    while held := [
        (run, HeldTasks(run.dag_run_id, run.progress.dag, open_questions))
        for run in settled
        if (open_questions := frozenset(run.progress.held - asked[run.dag_run_id]))
    ]:
        let = let_by_past(connection, [question for _, question in held])
        for run, question in held:
            asked[run.dag_run_id] |= question.positions
            run.changes = run.changes.then(run.progress.admit(let[run.dag_run_id]))


def write_settled(
    connection: sa.Connection, settled: Sequence[Settled], *, own_lease: int, now: datetime
) -> None:
    """Write what was decided."""
    expanded = {run.dag_run_id: (run.progress.dag, run.changes) for run in settled if run.changes.expansions}
    if expanded:
        insert_expansions(connection, expanded, now=now)
    states = [row for run in settled for row in _state_rows(run)]
    if states:
        connection.execute(unanswered(_WRITE_STATES), {"now": now, "states": dump_rows(states)})
    if settled:
        runs = dump_rows(_run_row(run, now) for run in settled)
        connection.execute(unanswered(_WRITE_RUNS), {"runs": runs, "own": own_lease})
    if any(state not in FINISHED for run in settled for state in run.changes.states.values()):
        wake(connection, Channel.SCHEDULED)
    if any(run.changes.run_state for run in settled):
        wake(connection, Channel.RUNS_ENDED)
        ask_for_callbacks(connection, (ended for run in settled for ended in run.callbacks()), now=now)
    mark_other_runs(connection, (run.dag_run_id for run in settled if run.concerns_others))


def _state_rows(run: Settled) -> Iterator[tuple[object, ...]]:
    tasks, inserted = run.progress.dag.tasks, set(added_keys(run.changes))
    for key, state in run.changes.states.items():
        if key not in inserted:
            position, map_index = key
            yield run.dag_run_id, tasks[position].task_id, map_index, state, run.changes.errors.get(key)


def _run_row(run: Settled, now: datetime) -> tuple[object, ...]:
    changes = run.changes
    ended = changes.run_state is not None
    return run.dag_run_id, changes.run_state or DagRunState.RUNNING, now if ended else None, changes.reason

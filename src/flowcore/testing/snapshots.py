"""What the database says at one instant, as values: what the invariants look at.

A simulation looks after every step that has written anything, so this is a great part of what it does: the
statements go to SQLite as texts, and what is made of a row is remembered.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from typing import Any

import attrs
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from flowcore.database.tables import backfill, dag, dag_run, lease, pool, task_instance
from flowcore.database.try_effects import load_effects
from flowcore.database.types import database_now
from flowcore.domain.dags import Dag
from flowcore.domain.states import ACTIVE, FINISHED_RUN, DagRunState, TaskInstanceState
from flowcore.domain.workloads import TryEffects
from flowcore.testing.oracle import Key, Record, States

_t, _r = task_instance.c, dag_run.c


def _text(statement: sa.Select[Any]) -> str:
    return str(statement.compile(dialect=sqlite.dialect()))


_TASK_INSTANCES = sa.select(
    _t.id,
    _t.dag_run_id,
    _t.dag_id,
    _t.task_id,
    _t.position,
    _t.map_index,
    _t.state,
    _t.try_number,
    _t.token,
    _t.lease_id,
    _t.pool,
    _t.pool_slots,
    _t.priority_weight,
    _t.scheduled_at,
    _t.due_at,
    _t.effects,
)
_RUNS = sa.select(
    _r.id,
    _r.dag_id,
    _r.run_id,
    _r.run_type,
    _r.logical_date,
    _r.state,
    _r.reason,
    _r.backfill_id,
    _r.backfill_ordinal,
).order_by(_r.id)
_TASK_INSTANCES_TEXT, _RUNS_TEXT = _text(_TASK_INSTANCES), _text(_RUNS)
_NOW = _text(sa.select(database_now()))
_POOLS = _text(sa.select(pool.c.name, pool.c.slots))
_LEASES = _text(sa.select(lease.c.id, lease.c.expires_at))
_is_completed = backfill.c.completed_at.is_not(None)
_BACKFILLS = _text(sa.select(backfill.c.id, backfill.c.max_active_runs).where(~_is_completed))
#: A cancelled one is paused: its runs may go on for a while.
_DONE_BACKFILLS = _text(sa.select(backfill.c.id).where(_is_completed, ~backfill.c.is_paused))
_MAX_ACTIVE_RUNS = _text(sa.select(dag.c.dag_id, dag.c.max_active_runs))


@attrs.frozen
class TaskInstanceRow:
    """One task instance; see `database/tables/task_instances.py`."""

    id: int
    dag_run_id: int
    dag_id: str
    task_id: str
    position: int
    map_index: int
    state: TaskInstanceState | None
    try_number: int
    token: int
    lease_id: int | None
    pool: str
    pool_slots: int
    priority_weight: int
    scheduled_at: datetime | None
    due_at: datetime | None
    effects: TryEffects

    @property
    def is_active(self) -> bool:
        """Whether it has a try, or one that has to stop before the next."""
        return self.state in ACTIVE

    def __str__(self) -> str:
        return f"{self.dag_id}/run {self.dag_run_id}/{self.task_id} try {self.try_number}"


@attrs.frozen
class DagRunRow:
    """One Dag run."""

    id: int
    dag_id: str
    run_id: str
    run_type: str
    logical_date: datetime | None
    state: DagRunState
    reason: str | None
    backfill_id: int | None = None
    backfill_ordinal: int | None = None

    @property
    def is_finished(self) -> bool:
        """Whether it has ended."""
        return self.state in FINISHED_RUN

    def __str__(self) -> str:
        return f"{self.dag_id}/{self.run_id}"


@attrs.frozen(slots=False)
class Snapshot:
    """All that is scheduled, at the time `at` of the database's clock.

    `pools` are slots by name (-1: no limit), `leases` their ends by id, `max_active_runs` by Dag, and
    `backfills` the max_active_runs by id of those that go on; the runs of `done_backfills` are like others.
    """

    at: datetime
    task_instances: Mapping[int, TaskInstanceRow]
    runs: Mapping[int, DagRunRow]
    pools: Mapping[str, int]
    leases: Mapping[int, datetime]
    max_active_runs: Mapping[str, int]
    backfills: Mapping[int, int] = attrs.field(factory=dict)
    done_backfills: frozenset[int] = frozenset()
    _rows: Mapping[int, tuple[Any, ...]] = attrs.field(factory=dict, eq=False, repr=False)

    @classmethod
    def read(cls, connection: sa.Connection) -> Snapshot:
        """Read it from a SQLite database: a unit of work, for `await database.read(Snapshot.read)`."""
        raw = connection.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)
        return cls.of(raw)

    @classmethod
    def of(cls, raw: sqlite3.Connection, *, before: Snapshot | None = None) -> Snapshot:
        """Read it on a connection that nobody else uses meanwhile.

        A task instance that is as it was `before` is the same object.
        """
        old_rows, old = (before._rows, before.task_instances) if before else ({}, {})
        rows = {row[0]: row for row in raw.execute(_TASK_INSTANCES_TEXT)}
        runs = map(_dag_run_row, raw.execute(_RUNS_TEXT))
        [(now,)] = raw.execute(_NOW)
        return cls(
            at=_moment(now),
            task_instances={
                key: old[key] if old_rows.get(key) == row else _task_instance_row(row)
                for key, row in rows.items()
            },
            runs={run.id: run for run in runs},
            pools=dict(raw.execute(_POOLS)),
            leases={lease_id: _moment(expires_at) for lease_id, expires_at in raw.execute(_LEASES)},
            max_active_runs=dict(raw.execute(_MAX_ACTIVE_RUNS)),
            backfills=dict(raw.execute(_BACKFILLS)),
            done_backfills=frozenset(key for (key,) in raw.execute(_DONE_BACKFILLS)),
            rows=rows,
        )

    @cached_property
    def active(self) -> Sequence[TaskInstanceRow]:
        """The task instances that have a try."""
        return [row for row in self.task_instances.values() if row.is_active]

    @cached_property
    def holding(self) -> Sequence[TaskInstanceRow]:
        """The task instances that take room under limits, for a try of theirs may be alive."""
        return [row for row in self.task_instances.values() if row.lease_id is not None]

    @cached_property
    def states_by_run(self) -> Mapping[int, States]:
        """The states of each run's task instances, by position and map index."""
        states: dict[int, dict[tuple[int, int], TaskInstanceState | None]] = {run: {} for run in self.runs}
        for row in self.task_instances.values():
            states[row.dag_run_id][row.position, row.map_index] = row.state
        return states

    @cached_property
    def said_by_run(self) -> Mapping[int, Mapping[Key, TryEffects]]:
        """What those of each run said about it that succeeded."""
        said: dict[int, dict[Key, TryEffects]] = {run_id: {} for run_id in self.runs}
        for row in self.task_instances.values():
            if row.state is TaskInstanceState.SUCCESS:
                said[row.dag_run_id][row.position, row.map_index] = row.effects
        return said

    def record_of(self, run_id: int, dag: Dag) -> Record:
        """What is known of a run."""
        return Record(dag, self.states_by_run[run_id], self.said_by_run[run_id])

    def past_of(self, run: DagRunRow, dag: Dag) -> States | None:
        """The states of the run before; None if there is nothing to wait for.

        There is not before the first run of a backfill, and when the run before was marked as success
        before it began. Runs by hand do not count in a Dag that catches up.
        """
        if run.backfill_ordinal == 1:
            return None
        date = run.logical_date
        earlier = [
            other
            for other in self.runs.values()
            if other.dag_id == run.dag_id and not (dag.catchup and other.run_type == "manual")
            if other.logical_date is not None and date is not None and other.logical_date < date
        ]
        latest = max(earlier, key=lambda other: other.logical_date or self.at, default=None)
        if latest is None or (not self.states_by_run[latest.id] and latest.state is DagRunState.SUCCESS):
            return None
        # A run that has not begun has no task instances yet.
        return self.states_by_run[latest.id] or {(task.position, -1): None for task in dag.tasks}

    @cached_property
    def live_leases(self) -> frozenset[int]:
        """The leases that have not lapsed."""
        return frozenset(lease_id for lease_id, expires_at in self.leases.items() if expires_at > self.at)


@lru_cache(maxsize=20_000)
def _task_instance_row(row: tuple[Any, ...]) -> TaskInstanceRow:
    values = dict(zip(_TASK_INSTANCES.selected_columns.keys(), row, strict=True))
    effects = values["effects"] and json.loads(values["effects"])
    return TaskInstanceRow(
        **{
            **values,
            "state": values["state"] and TaskInstanceState(values["state"]),
            "scheduled_at": values["scheduled_at"] and _moment(values["scheduled_at"]),
            "due_at": values["due_at"] and _moment(values["due_at"]),
            "effects": load_effects(effects),
        }
    )


@lru_cache(maxsize=20_000)
def _dag_run_row(row: tuple[Any, ...]) -> DagRunRow:
    values = dict(zip(_RUNS.selected_columns.keys(), row, strict=True))
    date = values["logical_date"] and _moment(values["logical_date"])
    return DagRunRow(**{**values, "logical_date": date, "state": DagRunState(values["state"])})


@lru_cache(maxsize=1_000)
def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)

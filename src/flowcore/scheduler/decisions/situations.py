"""What has to be known of a task instance to say why it is not running."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import attrs

from flowcore.domain.dags import Task
from flowcore.domain.states import DagRunState, TaskInstanceState


@attrs.frozen(kw_only=True)
class PoolSituation:
    """Slots of its pool (negative: no limit), how many are used; whether the rest is kept for a wide one."""

    slots: int
    used: int
    is_kept: bool = False


@attrs.frozen(kw_only=True)
class RunSituation:
    """Its run, the limits of its Dag or backfill, and what they hold."""

    state: DagRunState
    queued_at: datetime
    run_after: datetime
    start_date: datetime | None
    running_runs: int
    max_active_runs: int
    is_paused: bool
    is_active: bool
    max_active_tasks: int
    active_tasks: int


@attrs.frozen(kw_only=True)
class Holder:
    """The process that holds its try."""

    pid: int
    hostname: str
    is_alive: bool


@attrs.frozen
class Hold:
    """A try that held slots between two moments (None: it does still), as far as they bear on the limits.

    `pool_slots` are those of the same pool.
    """

    since: datetime
    until: datetime | None
    pool_slots: int
    is_of_run: bool
    is_of_task: bool


@attrs.frozen(kw_only=True)
class EarlierTries:
    """The tries before the current one: how many, the seconds that they ran, and when the last one ended."""

    count: int
    ran_s: float
    ended_at: datetime | None


@attrs.frozen(kw_only=True)
class Situation:
    """A task instance and all that may keep it from running, as the database says at `now`.

    `upstream` are the states of its direct upstream tasks that are not done, by task. The `tries` of its task
    are those that count for the limits of the task, in its Dag and in its run. `schedulers` are alive.
    `retry_reason` is what its retry policy said of its last try.
    `holds` are those of others while it was scheduled. `is_held_by_past`: the run before does not let it.
    """

    now: datetime
    task: Task
    pool: str
    pool_slots: int
    state: TaskInstanceState | None
    run: RunSituation
    slots: PoolSituation | None
    upstream: Mapping[str, str] = attrs.field(factory=dict)
    tries_in_dag: int = 0
    tries_in_run: int = 0
    schedulers: int = 0
    is_held_by_past: bool = False
    holds: Sequence[Hold] = ()
    holder: Holder | None = None
    earlier: EarlierTries = EarlierTries(count=0, ran_s=0, ended_at=None)
    scheduled_at: datetime | None = None
    queued_at: datetime | None = None
    start_date: datetime | None = None
    end_date: datetime | None = None
    due_at: datetime | None = None
    retry_reason: str | None = None

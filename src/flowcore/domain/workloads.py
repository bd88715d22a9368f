"""What the scheduler hands to an executor, and what an executor reports back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import attrs

from flowcore.backends import Backend
from flowcore.domain.assets import AssetUpdate
from flowcore.domain.retries import NO_ADVICE, RetryAdvice, RetryRule


class RunsIn(StrEnum):
    """Where a try is carried out."""

    PROCESS = "process"  # one of its own, forked for it
    WORKER = "worker"  # on an event loop that many coroutines share, in a process of theirs
    IN_PROCESS = "in-process"  # where the executor is


Slots = Mapping[RunsIn, int]
"""Places of an executor for further tries, by where these run."""


@attrs.frozen(kw_only=True)
class RunFacts:
    """What every try of a Dag run shares; it does not change while the run lives.

    Times are aware and in UTC. `conf` is what the run was triggered with, `params` the Dag's
    defaults overridden by it.
    """

    dag_run_id: int
    dag_id: str
    run_id: str
    run_type: str
    dag_version_id: int
    run_after: datetime
    logical_date: datetime | None = None
    data_interval_start: datetime | None = None
    data_interval_end: datetime | None = None
    start_date: datetime | None = None
    conf: Mapping[str, Any] = attrs.field(factory=dict)
    params: Mapping[str, Any] = attrs.field(factory=dict)
    partition_key: str | None = None
    partition_date: datetime | None = None


@attrs.frozen(kw_only=True)
class Workload:
    """One try of one task instance.

    `token` grows with every claim of the task instance: a report that carries an older one is
    refused. The retry facts travel along so that the end of a try is decided without a query. Without a
    `backend` a coroutine runs on the event loop that the scheduler runs on. A try that was rescheduled began
    at `start_date`. It, or a try before it, waits since `waiting_since`; this was put off `reschedules` times
    since the task instance exists.
    """

    task_instance_id: int
    token: int
    task_id: str
    position: int
    run: RunFacts
    map_index: int = -1
    try_number: int = 1
    max_tries: int = 0
    priority_weight: int = 1
    pool: str = "default_pool"
    pool_slots: int = 1
    queue: str = "default"
    executor: str | None = None
    runs_in: RunsIn = RunsIn.PROCESS
    backend: Backend | None = None
    execution_timeout_s: float | None = None
    retry_rule: RetryRule = RetryRule()
    has_failure_callbacks: bool = False
    start_date: datetime | None = None
    waiting_since: datetime | None = None
    reschedules: int = 0

    def __str__(self) -> str:
        index = "" if self.map_index < 0 else f"[{self.map_index}]"
        return f"{self.run.dag_id}/{self.run.run_id}/{self.task_id}{index} try {self.try_number}"


class TryOutcome(StrEnum):
    """How a try ended, as the process that ran it says."""

    SUCCESS = "success"
    FAILED = "failed"  # retried if tries are left
    FAILED_FOR_GOOD = "failed_for_good"  # the author said: no retry
    SKIPPED = "skipped"
    RESCHEDULED = "rescheduled"  # goes on later, as the same try
    GIVEN_BACK = "given_back"  # ended by a shutdown: runs again as the same try


@attrs.frozen(kw_only=True)
class TryStarted:
    """A try has begun; its task instance is running. `rendered_fields` are JSON values by name."""

    workload: Workload
    start_date: datetime
    rendered_fields: Mapping[str, Any] = attrs.field(factory=dict)


@attrs.frozen
class TryEffects:
    """What a try that succeeded says about the rest of its run.

    `skips` are tasks after it, by their ids. `length` is said if others are mapped over its output: how many
    elements that has; of an instance of a mapped task, whose output is one element: 1. None: there is no
    output to be mapped over.
    """

    skips: tuple[str, ...] = ()
    length: int | None = None


NO_EFFECTS = TryEffects()


@attrs.frozen(kw_only=True)
class TryEnded:
    """A try is over. `xcoms` are its pushed values by key as JSON texts, written with the end.

    So are the `rendered_fields` of its beginning when that was not written, and if it succeeded the events of
    `asset_updates`. A try that was rescheduled is not over: it goes on at `reschedule_at`. `instance_name` is
    how people call the instance of a mapped task. `advice` is what the task's retry policy said of a failure.
    """

    workload: Workload
    outcome: TryOutcome
    start_date: datetime
    end_date: datetime
    xcoms: Mapping[str, str] = attrs.field(factory=dict)
    error: str | None = None
    effects: TryEffects = NO_EFFECTS
    reschedule_at: datetime | None = None
    instance_name: str | None = None
    rendered_fields: Mapping[str, Any] = attrs.field(factory=dict)
    asset_updates: tuple[AssetUpdate, ...] = ()
    advice: RetryAdvice = NO_ADVICE


Report = TryStarted | TryEnded

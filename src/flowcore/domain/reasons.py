"""Why a task instance is not running: codes for programs, sentences for people, and how long each took."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import attrs


class ReasonCode(StrEnum):
    """What a task instance waits for, or what became of it."""

    DAG_INACTIVE = "dag_inactive"
    DAG_PAUSED = "dag_paused"
    RUN_NOT_DUE = "run_not_due"
    MAX_ACTIVE_RUNS = "max_active_runs"
    RUN_ABOUT_TO_START = "run_about_to_start"
    RUN_ENDED = "run_ended"
    UPSTREAM = "upstream"
    RUN_BEFORE = "run_before"
    ABOUT_TO_BE_DECIDED = "about_to_be_decided"
    RETRY_DELAY = "retry_delay"
    RESCHEDULED = "rescheduled"
    POOL_MISSING = "pool_missing"
    POOL_TOO_SMALL = "pool_too_small"
    POOL_FULL = "pool_full"
    POOL_KEPT = "pool_kept"
    MAX_ACTIVE_TASKS = "max_active_tasks"
    MAX_ACTIVE_TIS_PER_DAG = "max_active_tis_per_dag"
    MAX_ACTIVE_TIS_PER_DAGRUN = "max_active_tis_per_dagrun"
    NO_SCHEDULER = "no_scheduler"
    EXECUTOR_FULL = "executor_full"
    WITH_EXECUTOR = "with_executor"
    LEASE_LAPSED = "lease_lapsed"
    STOPPING = "stopping"
    OTHER_STATE = "other_state"
    RUNNING = "running"
    FINISHED = "finished"


@attrs.frozen
class Reason:
    """One reason; `facts` are its numbers and names as JSON values."""

    code: ReasonCode
    sentence: str
    facts: Mapping[str, Any] = attrs.field(factory=dict)


class Phase(StrEnum):
    """The times of a task instance's life, in their order."""

    RUN_WAITED = "the run waited to start"
    UPSTREAM = "upstream tasks"
    EARLIER_TRIES = "earlier tries"
    RETRY_DELAY = "the delay before the retry"
    LIMITS = "slots and limits"
    EXECUTOR = "the executor"
    RUNNING = "running"


@attrs.frozen
class Spent:
    """How long one phase took or has taken so far, in seconds.

    `by_reason` says for how many of them each limit had no room, as far as the rows tell; several may have
    had none at the same time.
    """

    phase: Phase
    seconds: float
    is_over: bool
    by_reason: Mapping[ReasonCode, float] = attrs.field(factory=dict)

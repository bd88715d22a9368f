"""Runs that tasks ask for: what they say, what came of it, and how such runs are called.

A task that asks twice, because nobody heard the first answer, must not make two runs. So a name that is made
up says whose run it is: that of one try of one task instance. A try takes over the run of an earlier try,
unless that has ended in a way that calls for another one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import attrs

from flowcore.domain.run_types import DagRunType


class TriggerOutcome(StrEnum):
    """What came of a task's wish for a run."""

    CREATED = "created"
    TAKEN_OVER = "taken over"  # this try, or one before it, had made the run
    RESET = "reset"  # it was there, and begins again
    EXISTS = "exists"  # it was there, and is left alone
    PAUSED = "paused"  # nothing was made, for its Dag is paused


@attrs.frozen(kw_only=True)
class RunRequest:
    """A run that a task asks for.

    Without a `run_id` it is called by the first of `names`, and the others are what earlier tries would have
    called it. Without a `logical_date` it is dated by the time it is made, unless `is_undated`. It waits for
    `run_after`, by default its date.
    """

    dag_id: str
    conf: Mapping[str, Any] = attrs.field(factory=dict)
    run_id: str | None = None
    names: tuple[str, ...] = ()
    logical_date: datetime | None = None
    is_undated: bool = False
    run_after: datetime | None = None
    resets: bool = False
    refuses_paused: bool = False
    again_after: tuple[str, ...] = ()

    @property
    def wanted_name(self) -> str:
        """How the run is called if it is made."""
        return self.names[0] if self.run_id is None else self.run_id


@attrs.frozen
class RequestedRun:
    """The run that a task gets."""

    run_id: str
    outcome: TriggerOutcome


def names_of_tries(
    owner: str, moment: datetime, *, try_number: int, max_tries: int, retries: int
) -> tuple[str, ...]:
    """How this try of the task instance `owner` calls the run that it makes, and how those before it did.

    The `moment` is the same for all of them. Tries from before the task instance was cleared are left out: it
    is to do its work again.
    """
    digest = hashlib.sha256(owner.encode()).hexdigest()[:12]
    prefix = f"{DagRunType.OPERATOR_TRIGGERED}__{moment.isoformat()}_{digest}"
    # Clearing sets the limit of tries anew, and nothing else does.
    first = min(try_number, max(1, max_tries - retries + 1))
    return tuple(f"{prefix}_{number}" for number in range(try_number, first - 1, -1))

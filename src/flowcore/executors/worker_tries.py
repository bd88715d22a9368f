"""`WorkerTry`: one try of a coroutine before it is in a warm worker, while it is in one, and after."""

from __future__ import annotations

import math
from collections.abc import Callable

import attrs

from flowcore.backends import Backend
from flowcore.domain.workloads import TryOutcome, Workload
from flowcore.executors.supervised_try import SupervisedTry
from flowcore.runner.endings import GIVEN_BACK, Ending, failed

SourceKey = tuple[str, str]


@attrs.define(eq=False)
class WorkerTry:
    """One try.

    Attributes:
        tried: The try.
        workload: What the worker is told of it.
        backend: The event loop that it needs.
        source_key: In which version of which file its Dag is; None until it is known.
        over_at: When it has to be over, on the event loop's clock.
        cancel_reason: Why somebody has ended it.
        cancel_elsewhere: Ends it where it is; None while it waits to be in a worker.
        is_over: Whether its end was reported.
    """

    tried: SupervisedTry
    workload: Workload
    _ended: Callable[[Ending], None]
    backend: Backend
    source_key: SourceKey | None = None
    over_at: float = math.inf
    cancel_reason: str | None = None
    cancel_elsewhere: Callable[[str], None] | None = None
    is_over: bool = False

    def cancel(self, reason: str) -> None:
        """End it as failed."""
        if self.cancel_reason is not None:
            return
        self.cancel_reason = reason
        if self.cancel_elsewhere is None:
            self.end(failed(reason))
        else:
            self.cancel_elsewhere(reason)

    def give_back(self) -> None:
        """Give it back if no worker has it; what a worker has ends with the worker."""
        if self.cancel_elsewhere is None:
            self.end(GIVEN_BACK)

    def end_as_said(self) -> None:
        """Its worker said how it ended."""
        said = self.tried.said
        assert said is not None
        # Also when it came to its end first: who cancels may rely on what it was told.
        if self.cancel_reason is not None and said.outcome is not TryOutcome.FAILED:
            said = failed(self.cancel_reason)
        self.end(said)

    def end_outlived(self) -> None:
        """It has not ended although it was cancelled long ago."""
        reason = self.cancel_reason
        if reason is None:
            reason = f"the try exceeded its execution_timeout of {self.workload.execution_timeout_s:g} s"
        self.end(
            failed(
                f"{reason}; it did not end when it was cancelled: let the task raise the cancellation again,"
                " and block the event loop nowhere"
            )
        )

    def end(self, ending: Ending) -> None:
        """Report its end; only the first one counts."""
        if not self.is_over:
            self.is_over = True
            self._ended(ending)

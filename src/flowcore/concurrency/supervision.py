"""What happens when a routine raises: its siblings go on, it is restarted with back-off.

Failures are counted, logged whole, and shown in `statistics()`. A routine that fails for longer than
`patience_s` without one good step ends the process with `RoutineBroken`, so that a process manager
sees it. A database that is away is no failure of the routine: it waits for it as long as it takes.
"""

from __future__ import annotations

import logging
import math
import random
from collections.abc import Awaitable, Callable
from typing import Protocol

import anyio
import attrs

from flowcore.errors import DatabaseUnavailable, FlowcoreError

log = logging.getLogger(__name__)

_FIRST_DELAY_S = 0.1
_LONGEST_DELAY_S = 10.0


class RoutineBroken(FlowcoreError):
    """A routine kept failing; the process should be restarted, or the cause above be mended."""


@attrs.define
class Health:
    """How a supervised routine is doing. `failing_since` is a time of the event loop, inf when well."""

    name: str
    failures: int = 0
    failures_in_a_row: int = 0
    failing_since: float = math.inf
    last_error: str | None = None

    def succeed(self) -> None:
        """Note a good step."""
        self.failures_in_a_row, self.failing_since = 0, math.inf

    def fail(self, error: Exception, *, at: float) -> None:
        """Note a failed step; the time without a database is not held against the routine."""
        self.failures += 1
        self.failures_in_a_row += 1
        self.last_error = f"{type(error).__name__}: {error}"
        away = isinstance(error, DatabaseUnavailable)
        self.failing_since = math.inf if away else min(self.failing_since, at)


class _Body(Protocol):
    def __call__(self, *, stepped: Callable[[], None]) -> Awaitable[None]: ...


async def supervise(
    body: _Body,
    health: Health,
    *,
    patience_s: float,
    jitter: random.Random,
) -> None:
    """Run `body` and restart it whenever it raises; it calls `stepped` after each good step.

    Raises:
        RoutineBroken: it has failed for longer than `patience_s` seconds.
    """
    while True:
        try:
            await body(stepped=health.succeed)
        except Exception as error:
            health.fail(error, at=anyio.current_time())
            _log_failure(health, error)
            if anyio.current_time() - health.failing_since > patience_s:
                raise RoutineBroken(f"{health.name} has failed for {patience_s:g} s: {error}") from error
        await anyio.sleep(_delay_s(health.failures_in_a_row) * jitter.uniform(0.5, 1.5))


def _log_failure(health: Health, error: Exception) -> None:
    if isinstance(error, DatabaseUnavailable):
        log.warning("%s waits for the database: %s", health.name, error)
    else:
        log.error("%s failed (%d in a row)", health.name, health.failures_in_a_row, exc_info=error)


def _delay_s(failures_in_a_row: int) -> float:
    return min(_LONGEST_DELAY_S, _FIRST_DELAY_S * 2.0 ** min(failures_in_a_row - 1, 16))

"""Schedulers as a process manager keeps them: each is started again when it has ended."""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack, suppress
from pathlib import Path
from random import Random
from subprocess import Popen

import anyio
import attrs
from anyio.abc import TaskStatus

from tests.acceptance.chaos.proxy import Proxy
from tests.acceptance.installation import Installation
from tests.acceptance.scheduler_process import Scheduler

#: Seconds from an end to the next start.
_PAUSE_S = 0.2


@attrs.define(eq=False)
class Member:
    """One scheduler of several, with a way to the server of its own.

    `statuses` are those with which its processes have ended, in order; each has one of the `logs`.
    """

    installation: Installation
    options: tuple[str, ...]
    proxy: Proxy
    statuses: list[int] = attrs.field(factory=list)
    logs: list[Path] = attrs.field(factory=list)
    scheduler: Scheduler | None = None
    is_wanted: bool = True

    async def serve(self, *, task_status: TaskStatus[None]) -> None:
        """Keep one running until it is told to stop."""
        task_status.started()
        while self.is_wanted:
            with ExitStack() as stack:
                self.scheduler = stack.enter_context(self.installation.started_scheduler(*self.options))
                self.logs.append(self.scheduler.log)
                await _ended(self.scheduler.process)
            self.statuses.append(self.scheduler.process.wait())
            self.scheduler = None
            await anyio.sleep(_PAUSE_S)

    @property
    def is_ready(self) -> bool:
        """Whether the one that runs now has begun to schedule."""
        return self.scheduler is not None and self.scheduler.says("are scheduled")

    @property
    def has_stopped(self) -> bool:
        """Whether it has ended and is started no more."""
        return not self.is_wanted and len(self.statuses) == len(self.logs)

    def stop(self) -> None:
        """Tell it to stop, and start it no more."""
        self.is_wanted = False
        self.send(signal.SIGTERM)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the scheduler itself."""
        if self.scheduler is not None:
            self.scheduler.process.send_signal(number)

    def kill_child(self, chance: Random) -> bool:
        """Kill any of the processes that it has started, of any generation; false if there is none."""
        generations = {} if self.scheduler is None else self.scheduler.generations()
        if not generations:
            return False
        with suppress(ProcessLookupError):
            os.kill(chance.choice(generations[chance.choice(sorted(generations))]), signal.SIGKILL)
        return True


async def _ended(process: Popen[bytes]) -> None:
    descriptor = os.pidfd_open(process.pid)
    try:
        await anyio.wait_readable(descriptor)
    finally:
        os.close(descriptor)

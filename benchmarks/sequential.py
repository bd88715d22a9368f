"""The scheduler as it would be without concurrency: the same routines, one after the other."""

from __future__ import annotations

from typing import Any

import anyio
from anyio.abc import TaskStatus

from flowcore.scheduler.service import Scheduler
from flowcore.scheduler.wake_graph import Channel


class SequentialScheduler(Scheduler):
    """Steps all routines in turn; waits for any wake-up when none of them made progress."""

    async def _run(self, task_status: TaskStatus[None]) -> None:
        async with anyio.create_task_group() as running:
            for executor in self._executors.values():
                await running.start(executor.serve, self._buffer)
            async with anyio.create_task_group() as intake:
                intake.start_soon(self._step_in_turn)
                task_status.started()
                await self._stopping.wait()
                intake.cancel_scope.cancel()
            running.cancel_scope.cancel()

    async def _step_in_turn(self) -> None:
        routines = (*self._intake, *self._work)
        while True:
            seen = self._wakeups.versions(Channel)
            progress: list[Any] = [await routine.step(self._clock.now()) for routine in routines]
            if not any(step.moved or step.more for step in progress):
                await self._wakeups.after_any(seen, timeout_s=0.05)

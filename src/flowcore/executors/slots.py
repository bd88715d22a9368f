"""How many tries an executor has, and how many more it may be given."""

from __future__ import annotations

from collections import Counter

import anyio

from flowcore.domain.workloads import RunsIn, Slots


class ExecutorSlots:
    """The slots of one executor by where tries run; each try takes one and releases it at its end."""

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self._taken: Counter[RunsIn] = Counter()
        self._idle = anyio.Event()
        self.ended = 0

    @property
    def running(self) -> int:
        """How many are taken in all."""
        return self._taken.total()

    def free(self) -> Slots:
        """How many are left."""
        return {runs_in: max(0, slots - self._taken[runs_in]) for runs_in, slots in self._slots.items()}

    def take(self, runs_in: RunsIn) -> None:
        """Count a try; also beyond the limit, which whoever submits it has to heed."""
        if not self.running:
            self._idle = anyio.Event()
        self._taken[runs_in] += 1

    def release(self, runs_in: RunsIn) -> None:
        """Count the end of a try."""
        self._taken[runs_in] -= 1
        self.ended += 1
        if not self.running:
            self._idle.set()

    async def wait_idle(self) -> None:
        """Return once no slot is taken."""
        while self.running:
            await self._idle.wait()

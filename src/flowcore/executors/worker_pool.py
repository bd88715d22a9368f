"""`WorkerPool`: the warm workers of one event loop, and which of them gets the next try."""

from __future__ import annotations

import logging
from collections.abc import Callable

from anyio.abc import TaskGroup

from flowcore.executors.worker_supervisors import WorkerSupervisor
from flowcore.executors.worker_tries import WorkerTry
from flowcore.runner.endings import GIVEN_BACK, failed

log = logging.getLogger(__name__)


class WorkerPool:
    """Workers are started when they are needed.

    Args:
        nursery: Where they are waited for.
        make: Makes a supervisor of a new worker.
        run_alone: Carries out, in a process of its own, a try whose worker has died.
        lose: Takes a try that was lost with the fork server.
        size: How many workers there are, besides those that drain.
        tries_each: So many tries a worker has before another one is started.
    """

    def __init__(
        self,
        nursery: TaskGroup,
        make: Callable[[], WorkerSupervisor],
        *,
        run_alone: Callable[[WorkerTry], None],
        lose: Callable[[WorkerTry], None],
        size: int,
        tries_each: int,
    ) -> None:
        self._nursery, self._make, self._run_alone, self._lose = nursery, make, run_alone, lose
        self._size, self._tries_each = size, tries_each
        self._workers: list[WorkerSupervisor] = []
        self._is_over = False

    def __len__(self) -> int:
        return len(self._workers)

    def start_try(self, item: WorkerTry) -> None:
        """Let a worker carry a try out."""
        self._choose().start_try(item)

    def drain(self) -> None:
        """Let new workers have the next tries."""
        for worker in list(self._workers):
            worker.drain()

    def give_back(self) -> None:
        """End all workers at once; what they have not ended is given back."""
        self._is_over = True
        for worker in list(self._workers):
            worker.give_back()

    def _choose(self) -> WorkerSupervisor:
        available = [worker for worker in self._workers if worker.is_available()]
        best = min(available, key=lambda worker: worker.load, default=None)
        if best is not None and (best.load < self._tries_each or len(available) >= self._size):
            return best
        return self._start()

    def _start(self) -> WorkerSupervisor:
        worker = self._make()
        self._workers.append(worker)
        self._nursery.start_soon(self._run, worker)
        return worker

    async def _run(self, worker: WorkerSupervisor) -> None:
        await worker.run()
        self._workers.remove(worker)
        blamed = worker.blamed()
        for item in worker.leftovers:
            if item.cancel_reason is not None:
                item.end(failed(item.cancel_reason))
            elif self._is_over:
                item.end(GIVEN_BACK)
            elif worker.is_lost:
                self._lose(item)
            elif blamed is not None and item is blamed[0]:
                item.end(blamed[1])
            else:
                item.tried.warn("its worker died with others in it; it runs again in a process of its own")
                self._run_alone(item)

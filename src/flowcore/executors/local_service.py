"""`LocalService`: what there is while a `LocalExecutor` serves, and where each try goes."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Protocol

import anyio
import attrs
from anyio import get_available_backends
from anyio.abc import TaskGroup

from flowcore.backends import Backend
from flowcore.domain.workloads import RunsIn, TryOutcome, Workload
from flowcore.errors import DagError, DatabaseUnavailable
from flowcore.executors.child_making import ChildMaker
from flowcore.executors.child_stopping import Graces
from flowcore.executors.first_words import FirstWords
from flowcore.executors.forked_tries import ForkedTry
from flowcore.executors.losses import Losses
from flowcore.executors.supervised_try import SupervisedTry
from flowcore.executors.worker_health import WorkerLimits
from flowcore.executors.worker_pool import WorkerPool
from flowcore.executors.worker_supervisors import WorkerSupervisor
from flowcore.executors.worker_tries import WorkerTry
from flowcore.runner.endings import GIVEN_BACK, Ending, ending_of, failed

log = logging.getLogger(__name__)

#: A worker has so many tries before another one is worth its memory.
_TRIES_EACH_MIN = 100

Ended = Callable[[Ending], None]


@attrs.frozen(kw_only=True)
class LocalLimits:
    """How much there may be at the same time.

    Attributes:
        parallelism: Processes with one try each.
        async_parallelism: Tries in warm workers.
        workers: Warm workers of one event loop, besides those that drain.
        worker: When a worker is used no longer.
        graces: How long what has to end may take.
    """

    parallelism: int = 32
    async_parallelism: int = 1_000
    workers: int = 2
    worker: WorkerLimits = attrs.field(factory=WorkerLimits)
    graces: Graces = attrs.field(factory=Graces)


class StartedTry(Protocol):
    """A try that is here."""

    def cancel(self, reason: str) -> None:
        """End it as failed; once it has ended this does nothing."""
        ...


class LocalService:
    """Starts tries; each is in exactly one place, and its end is told once.

    Args:
        nursery: Where processes are waited for.
        lookups: Where Dag files are looked up for warm workers.
        children: Makes processes.
        words: Hears when a try in a process of its own first writes something.
        losses: Remembers who lost its process.
        backend: The event loop of coroutines that do not choose one.
        limits: How much there may be at the same time.
    """

    def __init__(
        self,
        nursery: TaskGroup,
        lookups: TaskGroup,
        *,
        children: ChildMaker,
        words: FirstWords,
        losses: Losses,
        backend: Backend,
        limits: LocalLimits,
    ) -> None:
        self._nursery, self._lookups = nursery, lookups
        self._children, self._words, self._losses = children, words, losses
        self._backend, self._limits = backend, limits
        self._pools: dict[Backend, WorkerPool] = {}
        self._forked: set[ForkedTry] = set()
        self._looked_up: set[WorkerTry] = set()
        self._alone = anyio.CapacityLimiter(limits.parallelism)
        self._backends = get_available_backends()

    @property
    def workers(self) -> int:
        """How many warm workers there are."""
        return sum(map(len, self._pools.values()))

    def start(self, tried: SupervisedTry, ended: Ended) -> StartedTry | None:
        """Carry a try out where its workload says; None if it has ended already."""
        backend = tried.workload.backend or self._backend
        reason = self._refusal(tried.workload, backend)
        if reason is not None:
            ended(Ending(TryOutcome.FAILED_FOR_GOOD, error=reason))
            return None
        told = attrs.evolve(tried.workload, backend=backend)
        if told.runs_in is RunsIn.WORKER:
            return self._start_in_worker(WorkerTry(tried, told, ended, backend))
        return self._fork(tried, told, ended)

    def give_back(self) -> None:
        """End everything at once; what has not ended is given back."""
        self._lookups.cancel_scope.cancel()
        for item in list(self._looked_up):
            item.give_back()
        for forked in self._forked:
            forked.give_back()
        for pool in self._pools.values():
            pool.give_back()

    def replace_workers(self) -> None:
        """Let new workers have the next tries."""
        for pool in self._pools.values():
            pool.drain()

    def _refusal(self, workload: Workload, backend: Backend) -> str | None:
        if backend not in self._backends:
            return f"the event loop {backend} is not installed; pip install 'flowcore[{backend}]'"
        if workload.runs_in is RunsIn.IN_PROCESS:
            return (
                f"the task has runs_in={RunsIn.IN_PROCESS.value!r}, and this executor imports its file into"
                " processes of their own only; use another runs_in, or --executor in-process"
            )
        return None

    def _fork(
        self,
        tried: SupervisedTry,
        told: Workload,
        ended: Ended,
        *,
        places: anyio.CapacityLimiter | None = None,
    ) -> ForkedTry:
        forked = ForkedTry(tried, told, children=self._children, words=self._words, places=places)
        self._forked.add(forked)
        self._nursery.start_soon(self._run_forked, forked, ended)
        return forked

    async def _run_forked(self, forked: ForkedTry, ended: Ended) -> None:
        try:
            ending = await forked.run()
        except Exception:
            log.exception("%s could not be supervised", forked.workload)
            ending = failed(
                "flowcore failed to supervise the try; please report what the scheduler's log says"
            )
        finally:
            self._forked.discard(forked)
        if ending is GIVEN_BACK and forked.is_lost:
            ending = self._losses.ending_after_loss(forked.workload.task_instance_id)
        ended(ending)

    def _start_in_worker(self, item: WorkerTry) -> WorkerTry:
        self._looked_up.add(item)
        self._lookups.start_soon(self._look_up, item)
        return item

    async def _look_up(self, item: WorkerTry) -> None:
        try:
            source = await self._children.sources.get(item.workload.run.dag_version_id)
        except DatabaseUnavailable:
            item.end(GIVEN_BACK)
        except DagError as error:
            item.end(ending_of(error, {}))
        else:
            item.source_key = source.key
            if not item.is_over:
                self._pool(item.backend).start_try(item)
        self._looked_up.discard(item)

    def _pool(self, backend: Backend) -> WorkerPool:
        if backend not in self._pools:
            limits = self._limits
            make = partial(WorkerSupervisor, backend, children=self._children, limits=limits.worker)
            self._pools[backend] = WorkerPool(
                self._nursery,
                make,
                run_alone=self._run_alone,
                lose=self._lose,
                size=limits.workers,
                tries_each=max(_TRIES_EACH_MIN, -(-limits.async_parallelism // limits.workers)),
            )
        return self._pools[backend]

    def _run_alone(self, item: WorkerTry) -> None:
        forked = self._fork(item.tried, item.workload, item.end, places=self._alone)
        item.cancel_elsewhere = forked.cancel

    def _lose(self, item: WorkerTry) -> None:
        item.end(self._losses.ending_after_loss(item.workload.task_instance_id))

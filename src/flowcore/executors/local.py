"""Runs tries away from the scheduler's process: functions in a process each, coroutines in warm workers.

The author's code is imported and run in children of a fork server only (`runner/processes/owner.py`). A
shutdown ends all tries at once: what has not ended then is given back when its process is gone.
"""

from __future__ import annotations

from functools import partial

import anyio
import attrs
from anyio.abc import TaskStatus

from flowcore.abc import ReportSink
from flowcore.backends import Backend
from flowcore.clock import Clock
from flowcore.domain.try_settings import TrySettings
from flowcore.domain.workloads import RunsIn, Slots, TryOutcome, Workload
from flowcore.errors import UsageError
from flowcore.executors.child_making import ChildMaker, Forks
from flowcore.executors.first_words import hearing_first_words
from flowcore.executors.forked_callbacks import ForkedCallbacks
from flowcore.executors.local_service import LocalLimits, LocalService, StartedTry
from flowcore.executors.losses import Losses
from flowcore.executors.slots import ExecutorSlots
from flowcore.executors.supervised_try import SupervisedTry
from flowcore.executors.try_reports import TryReports
from flowcore.runner.answers import Answers, ImportAnswers
from flowcore.runner.endings import Ending
from flowcore.runner.logs.files import LogSink
from flowcore.runner.sources import DagCatalogue, DagSources, TrySources


@attrs.frozen
class LocalStatistics:
    """How many tries and warm workers are here, and how many tries have ended since it was made."""

    running: int
    workers: int
    ended: int


@attrs.frozen
class _Serving:
    service: LocalService
    sink: ReportSink


class LocalExecutor:
    """Implements `flowcore.abc.Executor`.

    Args:
        forks: Makes the processes; has to be there until `serve` has returned.
        catalogue: Which Dags have their files here.
        sources: Where Dag files are found.
        answers: Where what tries ask for is found.
        clock: Dates the reports.
        settings: What an operator has set for tries.
        backend: The event loop of coroutines that do not choose one.
        limits: How much there may be at the same time.
        logs: Where what tries log and print is written; None: nowhere.
    """

    name = "local"

    def __init__(
        self,
        forks: Forks,
        catalogue: DagCatalogue,
        sources: DagSources,
        answers: TrySources,
        *,
        clock: Clock,
        settings: TrySettings | None = None,
        backend: Backend = Backend.ASYNCIO,
        limits: LocalLimits | None = None,
        logs: LogSink | None = None,
    ) -> None:
        self._limits = limits = limits or LocalLimits()
        self._catalogue, self._answers = catalogue, answers
        self._clock, self._backend, self._logs = clock, backend, logs
        self._children = ChildMaker(
            forks=forks,
            sources=sources,
            imports=ImportAnswers(answers.secrets),
            settings=settings or TrySettings(),
            graces=limits.graces,
        )
        self._slots = ExecutorSlots(
            {
                RunsIn.PROCESS: limits.parallelism,
                RunsIn.WORKER: limits.async_parallelism,
                RunsIn.IN_PROCESS: limits.parallelism,
            }
        )
        self._losses = Losses()
        self._serving: _Serving | None = None
        self._tries: dict[tuple[int, int], StartedTry] = {}

    def free_slots(self) -> Slots:
        return self._slots.free()

    def has_dag(self, dag_id: str) -> bool:
        return self._catalogue.has_dag(dag_id)

    def callbacks(self) -> ForkedCallbacks:
        """Who calls the callbacks of the same Dags, with the same processes, event loop and logs."""
        return ForkedCallbacks(
            self._catalogue,
            self._children,
            self._answers,
            clock=self._clock,
            backend=self._backend,
            logs=self._logs,
        )

    def submit(self, workload: Workload) -> None:
        """Take a try; `flowcore.abc.Executor` says more.

        Raises:
            UsageError: `serve` is not running.
        """
        if self._serving is None:
            raise UsageError(
                f"executor {self.name!r} does not serve; submit after `serve` has called started()"
            )
        self._slots.take(workload.runs_in)
        reports = TryReports(workload, self._serving.sink, self._clock)
        tried = SupervisedTry(Answers(workload, self._answers), reports, self._logs)
        started = self._serving.service.start(tried, partial(self._note_end, tried))
        if started is not None:
            self._tries[_key(workload)] = started

    def cancel(self, task_instance_id: int, token: int, reason: str) -> bool:
        found = self._tries.get((task_instance_id, token))
        if found is None:
            return False
        found.cancel(reason)
        return True

    def forget_dags(self) -> None:
        """Import all Dag files anew from now on: what they import has changed."""
        self._children.forks.forget_dags()
        if self._serving is not None:
            self._serving.service.replace_workers()

    async def serve(self, sink: ReportSink, *, task_status: TaskStatus[None]) -> None:
        async with anyio.create_task_group() as nursery:
            # The processes need their supervisors until they are gone.
            stopping = anyio.Event()
            nursery.start_soon(_set_when_cancelled, stopping)
            with anyio.CancelScope(shield=True):
                await self._serve(sink, stopping, task_status)
            nursery.cancel_scope.cancel()

    async def wait_idle(self) -> None:
        await self._slots.wait_idle()

    def statistics(self) -> LocalStatistics:
        """The present numbers."""
        workers = self._serving.service.workers if self._serving else 0
        return LocalStatistics(self._slots.running, workers, self._slots.ended)

    async def _serve(self, sink: ReportSink, stopping: anyio.Event, task_status: TaskStatus[None]) -> None:
        async with (
            hearing_first_words() as words,
            anyio.create_task_group() as nursery,
            anyio.create_task_group() as lookups,
        ):
            service = LocalService(
                nursery,
                lookups,
                children=self._children,
                words=words,
                losses=self._losses,
                backend=self._backend,
                limits=self._limits,
            )
            self._serving = _Serving(service, sink)
            try:
                task_status.started()
                await stopping.wait()
            finally:
                self._serving = None
                service.give_back()

    def _note_end(self, tried: SupervisedTry, ending: Ending) -> None:
        tried.end(ending)
        workload = tried.workload
        self._tries.pop(_key(workload), None)
        self._slots.release(workload.runs_in)
        if ending.outcome is not TryOutcome.GIVEN_BACK:
            self._losses.forget(workload.task_instance_id)


async def _set_when_cancelled(event: anyio.Event) -> None:
    try:
        await anyio.sleep_forever()
    finally:
        event.set()


def _key(workload: Workload) -> tuple[int, int]:
    return workload.task_instance_id, workload.token

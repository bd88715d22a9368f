"""Runs tries in the process of the scheduler: coroutines on its event loop, functions in threads.

Every try is a child of one nursery and has a cancel scope of its own, so that a try which waits costs
an object and no thread. A shutdown ends all of them at once: each is given back, except functions that
go on in their threads; these are left to their lease, which expires.
"""

from __future__ import annotations

import anyio
import attrs
from anyio.abc import TaskGroup, TaskStatus

from flowcore.abc import ReportSink
from flowcore.clock import Clock
from flowcore.domain.try_settings import TrySettings
from flowcore.domain.workloads import RunsIn, Slots, Workload
from flowcore.errors import UsageError
from flowcore.executors.slots import ExecutorSlots
from flowcore.executors.try_reports import TryReports
from flowcore.runner.answers import Answers
from flowcore.runner.endings import GIVEN_BACK, Ending
from flowcore.runner.logs.capture import TryLog, captured_by
from flowcore.runner.logs.files import LogSink
from flowcore.runner.logs.try_files import TryLogFile
from flowcore.runner.loop_comms import LoopComms
from flowcore.runner.sources import TaskSource, TrySources
from flowcore.runner.tries import Try


@attrs.frozen
class Statistics:
    """What an executor is doing, and what it has done since it was made.

    `abandoned` counts functions that had to be left running in their threads.
    """

    running: int
    threads: int
    ended: int
    abandoned: int


class InProcessExecutor:
    """Implements `flowcore.abc.Executor`.

    Args:
        tasks: Where the authors' tasks are found.
        sources: Where what tries ask for is found.
        clock: Dates the reports.
        parallelism: How many functions may run at the same time, each in a thread.
        async_parallelism: How many coroutines may be here at the same time.
        logs: Where what tries log and print is written; by default it goes where the process's goes.
        settings: What the operator has set for tries.
    """

    name = "in-process"

    def __init__(
        self,
        tasks: TaskSource,
        sources: TrySources,
        *,
        clock: Clock,
        parallelism: int = 32,
        async_parallelism: int = 1000,
        logs: LogSink | None = None,
        settings: TrySettings = TrySettings(),
    ) -> None:
        self._tasks, self._sources, self._clock = tasks, sources, clock
        self._logs, self._settings = logs, settings
        self._slots = ExecutorSlots(
            {
                RunsIn.PROCESS: parallelism,
                RunsIn.WORKER: async_parallelism,
                RunsIn.IN_PROCESS: async_parallelism,
            }
        )
        self._threads = anyio.CapacityLimiter(parallelism)
        self._serving: tuple[TaskGroup, ReportSink] | None = None
        self._tries: dict[tuple[int, int], Try] = {}
        self._abandoned = 0

    def free_slots(self) -> Slots:
        return self._slots.free()

    def has_dag(self, dag_id: str) -> bool:
        return self._tasks.has_dag(dag_id)

    def submit(self, workload: Workload) -> None:
        """Take a try; `flowcore.abc.Executor` says more.

        Raises:
            UsageError: `serve` is not running.
        """
        if self._serving is None:
            raise UsageError(
                f"executor {self.name!r} does not serve; submit after `serve` has called started()"
            )
        nursery, sink = self._serving
        reports = TryReports(workload, sink, self._clock)
        submitted = Try(
            workload,
            tasks=self._tasks,
            comms=LoopComms(Answers(workload, self._sources), reports.notice),
            threads=self._threads,
            on_start=reports.report_start,
            settings=self._settings,
        )
        self._slots.take(workload.runs_in)
        self._tries[workload.task_instance_id, workload.token] = submitted
        nursery.start_soon(self._run, submitted, reports)

    def cancel(self, task_instance_id: int, token: int, reason: str) -> bool:
        found = self._tries.get((task_instance_id, token))
        if found is None:
            return False
        found.cancel(reason)
        return True

    async def serve(self, sink: ReportSink, *, task_status: TaskStatus[None]) -> None:
        async with anyio.create_task_group() as nursery:
            self._serving = nursery, sink
            try:
                task_status.started()
                await anyio.sleep_forever()
            finally:
                self._serving = None

    async def wait_idle(self) -> None:
        await self._slots.wait_idle()

    def statistics(self) -> Statistics:
        """The present numbers."""
        return Statistics(
            running=len(self._tries),
            threads=int(self._threads.borrowed_tokens),
            ended=self._slots.ended,
            abandoned=self._abandoned,
        )

    # Before its first await, and after its last, a child does not give up the loop: whatever becomes of
    # the nursery, it is entered, and reports.
    async def _run(self, submitted: Try, reports: TryReports) -> None:
        try:
            reports.report_end(await self._logged(submitted))
        except anyio.get_cancelled_exc_class():
            # A function that goes on would run twice at the same time if it were given back.
            if not submitted.is_abandoned():
                reports.report_end(GIVEN_BACK)
            raise
        finally:
            self._forget(submitted)

    async def _logged(self, submitted: Try) -> Ending:
        if self._logs is None:
            return await submitted.run()
        file = TryLogFile(self._logs, submitted.workload)
        with captured_by(TryLog(file.add)):
            ending = await submitted.run()
        file.note_end(ending, now=self._clock.now())
        return ending

    def _forget(self, over: Try) -> None:
        del self._tries[over.workload.task_instance_id, over.workload.token]
        self._abandoned += over.is_abandoned()
        self._slots.release(over.workload.runs_in)

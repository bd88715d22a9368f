"""Job: carries out many tries of coroutines side by side, each in a cancel scope and context of its own.

The payload is `{"backend": ..., "settings": ...}`, the latter a record of `TrySettings`. The supervisor
numbers the tries: the `ref` of an envelope. It sends RunTry, CancelTry and Ping, and is told TryBegun,
TryOver, Pong and LoopBlocked. SIGINT or SIGTERM cancels all tries, which are given back; so does a supervisor
that is gone.
"""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from contextvars import ContextVar
from types import FrameType

import anyio
import attrs
from anyio.abc import TaskGroup
from anyio.lowlevel import current_token

from flowcore.backends import Backend
from flowcore.domain.dag_sources import DagSource
from flowcore.domain.records import load_record
from flowcore.domain.try_settings import TrySettings
from flowcore.domain.workloads import Workload
from flowcore.errors import FlowcoreError, PeerGone
from flowcore.runner.coroutine_try import CoroutineTry
from flowcore.runner.dag_files.dag_imports import DagImports, SourceKey
from flowcore.runner.dag_files.imported_dags import task_of
from flowcore.runner.loop_watchdog import LoopWatchdog
from flowcore.runner.processes import linux
from flowcore.runner.processes.jobs import Job
from flowcore.sdk.comms.decoder import Decoder
from flowcore.sdk.comms.messages import CancelTry, GetDagSource, LoopBlocked, Order, Ping, Pong, RunTry
from flowcore.sdk.comms.questions import Comms, process_comms
from flowcore.sdk.operators import BaseOperator

#: How many functions that get here run at a time; they belong into processes of their own.
_THREADS = 32

_current_try: ContextVar[int | None] = ContextVar("flowcore_current_try", default=None)


def run_worker(job: Job) -> None:
    """Carry out tries until the supervisor is gone or a signal comes."""
    settings = load_record(TrySettings, job.payload["settings"])
    comms = Decoder(job.comms)
    with process_comms(comms):
        anyio.run(WarmWorker(comms, settings).serve, backend=Backend(job.payload["backend"]))


class WarmWorker:
    """The tries of one worker process."""

    def __init__(self, comms: Decoder, settings: TrySettings) -> None:
        self._comms, self._settings = comms, settings
        self._tries: dict[int, CoroutineTry] = {}
        self._threads = anyio.CapacityLimiter(_THREADS)

    async def serve(self) -> None:
        """Carry out tries until the supervisor is gone or a signal comes."""
        watchdog = LoopWatchdog(
            current_token(), current_try=_current_try.get, try_of_frame=_try_of, blocked=self._say_blocked
        )
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals, watchdog.watching():
            async with anyio.create_task_group() as nursery:
                nursery.start_soon(self._end_at_signals, signals, nursery)
                await self._obey(nursery)
                nursery.cancel_scope.cancel()

    async def _end_at_signals(self, signals: AsyncIterator[signal.Signals], nursery: TaskGroup) -> None:
        async for _ in signals:
            nursery.cancel_scope.cancel()

    async def _obey(self, nursery: TaskGroup) -> None:
        imports = DagImports(nursery, comms=self._comms)
        try:
            while True:
                order, ref = await self._comms.areceive()
                self._carry_out(order, ref, nursery, imports)
        except PeerGone:
            return

    def _carry_out(self, order: Order, ref: int | None, nursery: TaskGroup, imports: DagImports) -> None:
        match order:
            case RunTry(workload, source) if ref is not None:
                comms = self._comms.bound_to(ref)
                tasks = _TasksOf(source, imports, self._comms)
                # Known at once: the next order may be to cancel it.
                self._tries[ref] = CoroutineTry(
                    workload, tasks=tasks, comms=comms, threads=self._threads, settings=self._settings
                )
                nursery.start_soon(self._run, ref, self._tries[ref])
            case CancelTry(reason) if ref in self._tries:
                self._tries[ref].cancel(reason)
            case Ping(number):
                self._comms.post(Pong(number, linux.resident_bytes(), len(self._tries)))

    async def _run(self, ref: int, attempted: CoroutineTry) -> None:
        _current_try.set(ref)
        try:
            await attempted.run()
        except PeerGone:
            return  # `_obey` learns of it, too
        finally:
            del self._tries[ref]

    def _say_blocked(self, ref: int | None, seconds: float, where: str) -> None:
        try:
            self._comms.post(LoopBlocked(seconds, where), ref=ref)
        except FlowcoreError:
            return


@attrs.frozen
class _TasksOf:
    """Implements `TaskFinder` for the try of one version of a Dag file."""

    source: SourceKey
    imports: DagImports
    comms: Comms

    async def task(self, workload: Workload) -> BaseOperator:
        async def read() -> DagSource:
            return (await self.comms.asend(GetDagSource(workload.run.dag_version_id))).source

        return task_of(await self.imports.dags(self.source, read), workload)


def _try_of(frame: FrameType) -> int | None:
    """Which try a frame is that of, for code in C that keeps the main thread from saying it."""
    if frame.f_code is not WarmWorker._run.__code__:
        return None
    ref: int = frame.f_locals["ref"]
    return ref

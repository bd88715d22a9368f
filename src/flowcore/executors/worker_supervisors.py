"""`WorkerSupervisor`: one warm worker, from its fork until it is gone, and the tries that it carries out.

It is available while its loop answers and none of its tries outlives what ends tries. One that drains gets no
further tries and ends when it has none left. Of a worker that dies before that, `leftovers` are what it
leaves behind, and `blamed` is who it was, if that can be told.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Sequence
from functools import partial
from typing import Any

import anyio

from flowcore.backends import Backend
from flowcore.errors import ProtocolError, UsageError
from flowcore.executors.child_endings import ChildFate, ending_of_child
from flowcore.executors.child_making import ChildMaker
from flowcore.executors.child_output import read_output
from flowcore.executors.child_stopping import AT_ONCE, AT_SHUTDOWN, ChildStop, Step
from flowcore.executors.worker_health import Pulse, WorkerLimits
from flowcore.executors.worker_tries import WorkerTry
from flowcore.runner.endings import Ending, failed
from flowcore.runner.processes.channels import SupervisorChannel
from flowcore.runner.processes.children import Child
from flowcore.runner.processes.connections import ForkFailed, ForkServerGone
from flowcore.sdk.comms.messages import (
    Answer,
    CancelTry,
    DagSourceFound,
    GetDagSource,
    LoopBlocked,
    MaskSecrets,
    Notice,
    Ping,
    Pong,
    Request,
    RunTry,
    TryBegun,
    TryOver,
)
from flowcore.secrets.masking import PROCESS

log = logging.getLogger(__name__)

#: What a worker may take to end after it has closed its socket.
_EXIT_S = 2.0


class WorkerSupervisor:
    """One worker; `run` it once.

    Args:
        backend: Its event loop.
        children: Makes the process.
        limits: When it is used no longer.
    """

    def __init__(self, backend: Backend, *, children: ChildMaker, limits: WorkerLimits) -> None:
        self._backend, self._children, self._limits = backend, children, limits
        self._stop = ChildStop(Step.INTERRUPT, Step.KILL, graces=children.graces)
        self._tries: dict[int, WorkerTry] = {}
        self._refs = itertools.count(1)
        self._pulse = Pulse()
        self._child: Child | None = None
        self._channel: SupervisorChannel | None = None
        self._suspect: tuple[WorkerTry, str] | None = None
        self._nonsense: str | None = None
        self._is_stuck = self._is_deaf = False
        self.is_draining = False

    @property
    def load(self) -> int:
        """How many tries it has."""
        return len(self._tries)

    @property
    def leftovers(self) -> Sequence[WorkerTry]:
        """The tries that it has not ended."""
        return list(self._tries.values())

    @property
    def is_lost(self) -> bool:
        """Whether it died with the fork server, or never came to life."""
        return self._child is None or (self._child.status is not None and self._child.status.is_lost)

    def is_available(self) -> bool:
        """Whether it may be given a try now."""
        return not self.is_draining and self._answers()

    def start_try(self, item: WorkerTry) -> None:
        """Let it carry a try out."""
        ref = next(self._refs)
        self._tries[ref] = item
        item.cancel_elsewhere = partial(self._cancel, ref, item)
        if self._channel is not None:
            self._order(ref, item, self._channel)
        if ref >= self._limits.tries_max:
            self.drain()

    def drain(self) -> None:
        """Give it no further tries, and end it when it has none."""
        self.is_draining = True
        if not self._tries:
            self._stop.begin()

    def give_back(self) -> None:
        """End it at once."""
        self.is_draining = True
        self._stop.hurry(AT_SHUTDOWN)

    def blamed(self) -> tuple[WorkerTry, Ending] | None:
        """Which of the leftovers is to blame for the end of the worker, and how it ended therefore."""
        if self._is_stuck and self._suspect is not None and self._suspect[0] in self.leftovers:
            item, where = self._suspect
            return item, failed(
                f"the try blocked the event loop of its worker for more than {self._limits.stuck_s:g} s; make"
                f" the task a function, or let a thread do what takes long. It was here:\n{where}"
            )
        if len(self._tries) == 1:
            return self.leftovers[0], ending_of_child(self._fate)
        return None

    async def run(self) -> None:
        """Be there for the worker until it is gone. Not to be cancelled: call `give_back`."""
        try:
            self._child = await self._children.make_worker(self._backend)
            await self._supervise(self._child)
        except (ForkServerGone, ForkFailed) as error:
            log.warning("there is no worker: %s", error)
        finally:
            self.is_draining = True

    async def _supervise(self, child: Child) -> None:
        async with child, anyio.create_task_group() as readers:
            self._channel = SupervisorChannel(child.comms, answer=self._answer, note=self._take)
            readers.start_soon(self._serve, self._channel)
            readers.start_soon(read_output, child.stdout, self._printed)
            readers.start_soon(read_output, child.stderr, self._printed)
            for ref, item in self._tries.items():
                self._order(ref, item, self._channel)
            await self._wait_end(child, self._channel)
            readers.cancel_scope.deadline = anyio.current_time() + self._stop.graces.last_words_s

    async def _wait_end(self, child: Child, channel: SupervisorChannel) -> None:
        async with anyio.create_task_group() as care:
            care.start_soon(self._look_after, channel)
            await self._stop.wait_end(child)
            care.cancel_scope.cancel()

    @property
    def _fate(self) -> ChildFate:
        is_ended = self._stop.began_at is not None
        return ChildFate(
            status=None if self._child is None else self._child.status,
            nonsense=self._nonsense,
            was_deaf=self._is_deaf and is_ended,
            was_killed=self._stop.was_killed,
        )

    def _order(self, ref: int, item: WorkerTry, channel: SupervisorChannel) -> None:
        assert item.source_key is not None
        channel.order(RunTry(item.workload, item.source_key), ref)
        if item.cancel_reason is not None:
            channel.order(CancelTry(item.cancel_reason), ref)

    def _cancel(self, ref: int, item: WorkerTry, reason: str) -> None:
        item.over_at = min(item.over_at, anyio.current_time() + self._children.graces.interrupt_s)
        if self._channel is not None:
            self._channel.order(CancelTry(reason), ref)

    async def _serve(self, channel: SupervisorChannel) -> None:
        try:
            await channel.serve()
        except ProtocolError as error:
            self._nonsense = error.wrong
            self._stop.hurry(AT_ONCE)
        self.is_draining = self._is_deaf = True
        self._stop.begin_at(anyio.current_time() + _EXIT_S)

    async def _answer(self, request: Request[Any], ref: int | None) -> Answer:
        if isinstance(request, GetDagSource):
            return DagSourceFound(await self._children.sources.get(request.dag_version_id))
        if ref is None:
            return await self._children.imports.answer(request)
        item = self._tries.get(ref)
        if item is None:
            raise UsageError("the try is over; what goes on in its worker is ignored")
        return await item.tried.answer(request)

    async def _take(self, notice: Notice, ref: int | None) -> None:
        match notice:
            case Pong(number, memory):
                self._pulse.hear(number)
                if memory > self._limits.memory_max:
                    self.drain()
                return
            case LoopBlocked(seconds, where):
                self._note_blocked(ref, seconds, where)
                return
            case MaskSecrets(secrets) if ref is None:
                PROCESS.add(secrets)
                return
        item = self._tries.get(ref) if ref is not None else None
        if ref is None or item is None:
            return
        await item.tried.take(notice)
        if isinstance(notice, TryBegun):
            timeout_s = item.workload.execution_timeout_s
            if timeout_s is not None:
                item.over_at = min(
                    item.over_at, anyio.current_time() + timeout_s + self._children.graces.interrupt_s
                )
        elif isinstance(notice, TryOver) and item.tried.said is not None:
            self._forget(ref)
            item.end_as_said()

    def _forget(self, ref: int) -> None:
        del self._tries[ref]
        if self.is_draining:
            self.drain()

    def _note_blocked(self, ref: int | None, seconds: float, where: str) -> None:
        item = self._tries.get(ref) if ref is not None else None
        if item is None:
            log.warning("the event loop of a worker is blocked, nobody knows by which try:\n%s", where)
            return
        self._suspect = item, where
        item.tried.warn(
            f"the try blocks the event loop that it shares with others, for {seconds:g} s now:\n{where}"
        )

    async def _printed(self, lines: Sequence[str]) -> None:
        # Whose it is cannot be told, unless there is one only.
        if len(self._tries) == 1:
            await self.leftovers[0].tried.printed("task.stdout", lines)
        else:
            for line in lines:
                log.info("a worker printed: %s", line)

    def _answers(self) -> bool:
        return self._pulse.silent_for(anyio.current_time()) < self._limits.answer_s

    async def _look_after(self, channel: SupervisorChannel) -> None:
        while True:
            now = anyio.current_time()
            number = self._pulse.ask(now)
            if number is not None:
                channel.order(Ping(number))
            if self._pulse.silent_for(now) > self._limits.stuck_s:
                self._is_stuck = True
                self._stop.hurry(AT_ONCE)
            self._end_outlived(now)
            await anyio.sleep(self._limits.ping_s)

    def _end_outlived(self, now: float) -> None:
        late = [ref for ref, item in self._tries.items() if item.over_at <= now]
        for ref in late:
            item = self._tries.pop(ref)
            item.end_outlived()
            self.drain()
        if late and not self._answers():
            self._stop.hurry(AT_ONCE)

"""`ForkedCallbacks`: calls the callbacks of Dags of the Dag folder, each time in a process of its own."""

from __future__ import annotations

from functools import partial
from typing import Any

import anyio

from flowcore.backends import Backend
from flowcore.clock import Clock
from flowcore.domain.dag_callbacks import DagCallback
from flowcore.errors import DagError, ProtocolError
from flowcore.executors.child_making import ChildMaker
from flowcore.executors.child_output import read_output
from flowcore.executors.child_stopping import AT_ONCE, ChildStop, Step
from flowcore.runner.answers import Answers
from flowcore.runner.callbacks.callback_logs import CallbackLog
from flowcore.runner.callbacks.task_callbacks import CALLBACKS_S
from flowcore.runner.logs.files import LogSink
from flowcore.runner.logs.lines import STDERR, STDOUT
from flowcore.runner.processes.channels import SupervisorChannel
from flowcore.runner.processes.children import Child
from flowcore.runner.processes.connections import ForkFailed, ForkServerGone
from flowcore.runner.sources import DagCatalogue, TrySources
from flowcore.scheduler.callback_calls import CallLost
from flowcore.sdk.comms.messages import Answer, CallbacksOver, LogLines, MaskSecrets, Notice, Request
from flowcore.secrets.masking import PROCESS

#: What a process may take to end after it has said how it went, or closed its socket.
_EXIT_S = 5.0


class ForkedCallbacks:
    """Implements `flowcore.scheduler.callback_calls.CallbackCaller`.

    Args:
        catalogue: Knows which Dags there are.
        children: Makes the processes.
        sources: Where what callbacks ask for is found.
        clock: Dates what they print.
        backend: The event loop of callbacks that are coroutines.
        logs: Where what they log and print is written; None: nowhere.
        limit_s: How long one call may take.
    """

    def __init__(
        self,
        catalogue: DagCatalogue,
        children: ChildMaker,
        sources: TrySources,
        *,
        clock: Clock,
        backend: Backend,
        logs: LogSink | None,
        limit_s: float = CALLBACKS_S + _EXIT_S,
    ) -> None:
        self._catalogue, self._children, self._sources = catalogue, children, sources
        self._clock, self._backend, self._logs, self._limit_s = clock, backend, logs, limit_s

    def has_dag(self, dag_id: str) -> bool:
        return self._catalogue.has_dag(dag_id)

    async def call(self, callback: DagCallback) -> str | None:
        log = CallbackLog(self._logs, callback, self._clock)
        try:
            child = await self._children.make_for_dag_callbacks(callback, self._backend)
        except DagError as error:
            log.note_problem(str(error))
            return str(error)
        except (ForkServerGone, ForkFailed) as error:
            raise CallLost(str(error)) from error
        stop = ChildStop(*Step, graces=self._children.graces)
        stop.begin_at(anyio.current_time() + self._limit_s)
        return await _Call(child, Answers(callback.workload, self._sources), log, stop).run()


class _Call:
    """One process, from its beginning to its end."""

    def __init__(self, child: Child, answers: Answers, log: CallbackLog, stop: ChildStop) -> None:
        self._child, self._answers, self._log, self._stop = child, answers, log, stop
        self._over: CallbacksOver | None = None
        self._nonsense: str | None = None

    async def run(self) -> str | None:
        """What went wrong; when cancelled, the process is killed.

        Raises:
            CallLost: the process was lost with its fork server.
        """
        child = self._child
        async with child, anyio.create_task_group() as readers:
            readers.start_soon(self._serve)
            readers.start_soon(read_output, child.stdout, partial(self._log.printed, STDOUT))
            readers.start_soon(read_output, child.stderr, partial(self._log.printed, STDERR))
            await self._stop.wait_end(child)
            # Nobody writes any more, so the readers come to an end.
            readers.cancel_scope.deadline = anyio.current_time() + self._stop.graces.last_words_s
        if self._over is not None:
            return self._over.error
        problem = self._problem()
        self._log.note_problem(problem)
        return problem

    def _problem(self) -> str:
        if self._nonsense is not None:
            return f"the process of the callbacks broke the protocol of its comms socket: {self._nonsense}"
        if self._stop.began_at is not None:
            return "the callbacks did not come to an end, and were killed; give what they wait for a timeout"
        status = self._child.status
        if status is not None and status.is_lost:
            raise CallLost(str(status))
        return (
            f"the process of the callbacks ended with {status} before they had; let them return or"
            " raise, the log of the callbacks may tell more"
        )

    async def _serve(self) -> None:
        channel = SupervisorChannel(self._child.comms, answer=self._answer, note=self._take)
        try:
            await channel.serve()
        except ProtocolError as error:
            self._nonsense = error.wrong
            self._stop.hurry(AT_ONCE)
        self._stop.begin_at(anyio.current_time() + _EXIT_S)

    async def _answer(self, request: Request[Any], ref: int | None) -> Answer:
        return await self._answers.answer(request)

    async def _take(self, notice: Notice, ref: int | None) -> None:
        match notice:
            case CallbacksOver():
                self._over = notice
            case MaskSecrets(secrets):
                PROCESS.add(secrets)
            case LogLines(lines):
                await self._log.write(lines)

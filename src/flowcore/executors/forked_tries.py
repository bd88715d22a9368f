"""`ForkedTry`: one try in a process of its own, from its fork until the process is gone.

Whatever ends it goes the same way (`child_stopping.py`): its execution_timeout, `cancel`, a shutdown, a
breach of the protocol.
"""

from __future__ import annotations

import logging
import math
from functools import partial
from typing import Any

import anyio
from anyio.abc import TaskGroup

from flowcore.domain.workloads import TryOutcome, Workload
from flowcore.errors import DagError, DatabaseUnavailable, ProtocolError
from flowcore.executors.child_endings import ChildFate, ending_of_child
from flowcore.executors.child_making import ChildMaker
from flowcore.executors.child_output import read_output
from flowcore.executors.child_stopping import AT_ONCE, AT_SHUTDOWN, ChildStop, Step
from flowcore.executors.first_words import FirstWords
from flowcore.executors.supervised_try import SupervisedTry
from flowcore.runner.callbacks.task_callbacks import CALLBACKS_S
from flowcore.runner.endings import GIVEN_BACK, Ending, ending_of
from flowcore.runner.logs.lines import STDERR, STDOUT
from flowcore.runner.processes.channels import SupervisorChannel
from flowcore.runner.processes.children import Child, ExitStatus
from flowcore.runner.processes.connections import ForkFailed, ForkServerGone
from flowcore.sdk.comms.messages import Answer, CallbacksBegun, Notice, Request, TryBegun, TryOver

log = logging.getLogger(__name__)

#: What a process may take to end after its report, or after it has closed its socket.
_EXIT_S = 5.0


class ForkedTry:
    """One try; `run` it once.

    Args:
        tried: The try.
        workload: What its process is told of it.
        children: Makes the process.
        words: Hears when it first writes something.
        places: Limits how many of its kind have a process.
    """

    def __init__(
        self,
        tried: SupervisedTry,
        workload: Workload,
        *,
        children: ChildMaker,
        words: FirstWords,
        places: anyio.CapacityLimiter | None = None,
    ) -> None:
        self._tried, self.workload = tried, workload
        self._children, self._words, self._places = children, words, places
        self._has_place = False
        self._starting = anyio.CancelScope()
        self._stop = ChildStop(*Step, graces=children.graces)
        self._timeout_at = math.inf
        self._cancel_reason: str | None = None
        self._nonsense: str | None = None
        self._is_given_back = self._is_deaf = False
        self._child: Child | None = None

    def cancel(self, reason: str) -> None:
        """End it as failed, also when it has not begun or ends by itself at this moment."""
        if self._cancel_reason is None:
            self._cancel_reason = reason
            self._starting.cancel()
            self._stop.begin()

    def give_back(self) -> None:
        """End it at once; unless it has reported its end, it is given back."""
        self._is_given_back = self._tried.said is None
        self._starting.cancel()
        self._stop.hurry(AT_SHUTDOWN)

    @property
    def is_lost(self) -> bool:
        """Whether its process died with the fork server."""
        status = self._status
        return status is not None and status.is_lost

    @property
    def _status(self) -> ExitStatus | None:
        return None if self._child is None else self._child.status

    async def run(self) -> Ending:
        """Carry the try out and say how it ended. Not to be cancelled: call `give_back`."""
        ending: Ending | None = None
        with self._starting:
            await self._take_place()
            ending = await self._start()
        try:
            if self._child is not None:
                await self._supervise(self._child)
                ending = ending_of_child(self._fate)
                if self._died_wordless(ending):
                    ending = await self._called_back(ending)
        finally:
            self._leave_place()
        return ending or ending_of_child(self._fate)

    def _died_wordless(self, ending: Ending) -> bool:
        is_failure = ending.outcome is TryOutcome.FAILED and self._cancel_reason is None
        is_heard = self.workload.has_failure_callbacks or self._children.settings.has_listeners
        return is_failure and self._tried.said is None and is_heard

    async def _called_back(self, ending: Ending) -> Ending:
        """Tell the callbacks of a try whose process cannot any more; the try is given back if that is cut."""
        self._stop = ChildStop(*Step, graces=self._children.graces)
        self._stop.begin_at(anyio.current_time() + CALLBACKS_S + _EXIT_S)
        try:
            child = await self._children.make_for_callbacks(self.workload, ending.error or "")
        except (DagError, DatabaseUnavailable, ForkServerGone, ForkFailed) as error:
            log.error("%s: its callbacks are not called: %s", self.workload, error)
            return ending
        await self._supervise(child)
        return GIVEN_BACK if self._is_given_back else ending

    async def _take_place(self) -> None:
        if self._places is not None:
            await self._places.acquire_on_behalf_of(self)
            self._has_place = True

    def _leave_place(self) -> None:
        if self._places is not None and self._has_place:
            self._places.release_on_behalf_of(self)

    async def _start(self) -> Ending | None:
        """Make the child; how the try ended if there can be none."""
        try:
            self._child = await self._children.make_for_try(self.workload)
        except (DatabaseUnavailable, ForkServerGone, ForkFailed) as error:
            log.warning("%s is given back: %s", self.workload, error)
            return GIVEN_BACK
        except DagError as error:
            return ending_of(error, {})
        return None

    async def _supervise(self, child: Child) -> None:
        async with child, anyio.create_task_group() as readers:
            readers.start_soon(self._serve, child)
            with (
                self._words.of(child.stdout, partial(self._read, readers, child.stdout, STDOUT)),
                self._words.of(child.stderr, partial(self._read, readers, child.stderr, STDERR)),
            ):
                await self._stop.wait_end(child)
            # Nobody writes any more, so the readers come to an end.
            readers.cancel_scope.deadline = anyio.current_time() + self._stop.graces.last_words_s

    def _read(self, readers: TaskGroup, fd: int, stream: str, first: bytes) -> None:
        readers.start_soon(read_output, fd, partial(self._tried.printed, stream), first)

    @property
    def _fate(self) -> ChildFate:
        began_at = self._stop.began_at
        is_late = began_at is not None and began_at >= self._timeout_at
        return ChildFate(
            said=self._tried.said,
            status=self._status,
            cancel_reason=self._cancel_reason,
            is_given_back=self._is_given_back,
            timeout_s=self.workload.execution_timeout_s if is_late else None,
            nonsense=self._nonsense,
            was_deaf=self._is_deaf and began_at is not None,
            was_killed=self._stop.was_killed,
        )

    async def _serve(self, child: Child) -> None:
        channel = SupervisorChannel(child.comms, answer=self._answer, note=self._take)
        try:
            await channel.serve()
        except ProtocolError as error:
            self._nonsense = error.wrong
            self._stop.hurry(AT_ONCE)
        self._is_deaf = True
        self._stop.begin_at(anyio.current_time() + _EXIT_S)

    async def _answer(self, request: Request[Any], ref: int | None) -> Answer:
        return await self._tried.answer(request)

    async def _take(self, notice: Notice, ref: int | None) -> None:
        await self._tried.take(notice)
        if isinstance(notice, TryOver):
            self._stop.begin_at(anyio.current_time() + _EXIT_S)
        elif isinstance(notice, CallbacksBegun):
            if self._cancel_reason is None and not self._is_given_back:
                self._stop.put_off(anyio.current_time() + min(notice.limit_s, CALLBACKS_S) + _EXIT_S)
        elif isinstance(notice, TryBegun) and self.workload.execution_timeout_s is not None:
            self._timeout_at = anyio.current_time() + self.workload.execution_timeout_s
            self._stop.begin_at(self._timeout_at)

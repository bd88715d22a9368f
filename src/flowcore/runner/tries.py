"""`Try`: runs one try of one task instance, from finding its task to knowing how it ended.

Coroutines run on the event loop, functions in worker threads. Two things only leave a try: a
cancellation from outside and KeyboardInterrupt. Whatever else the author's code raises is an ending.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from typing import Any

import anyio
import anyio.to_thread

from flowcore.concurrency.thread_calls import ThreadCall
from flowcore.domain.states import TaskInstanceState
from flowcore.domain.try_settings import TrySettings
from flowcore.domain.workloads import TryEffects, TryOutcome, Workload
from flowcore.runner.asset_updates import with_asset_updates
from flowcore.runner.callbacks.task_callbacks import CALLBACKS_S, acall_back, callbacks_after, state_after
from flowcore.runner.endings import GIVEN_BACK, Ending, ending_of, failed
from flowcore.runner.executing import aexecuted, executed
from flowcore.runner.instance_names import named
from flowcore.runner.listening import listeners_after
from flowcore.runner.preparation import PreparedTask, prepared, unprepared
from flowcore.runner.results import pushed_result
from flowcore.runner.retry_questions import after_answers, questions_after
from flowcore.runner.sources import TaskFinder
from flowcore.sdk.comms.messages import CallbacksBegun
from flowcore.sdk.comms.questions import Comms, Question, aanswered, current_comms
from flowcore.sdk.context import Context, current_context
from flowcore.sdk.exceptions import TaskTimedOut
from flowcore.sdk.notifiers import Callback
from flowcore.sdk.operators import BaseOperator

log = logging.getLogger(__name__)

ON_KILL_S = 5.0
"""How long `on_kill` may take after a timeout or `cancel`."""

ON_KILL_AT_SHUTDOWN_S = 0.5
"""How long `on_kill` may take when everything ends: the process must be gone within a second."""


class Try:
    """One try; `run` it once.

    Args:
        workload: Which try.
        tasks: Where its task is found.
        comms: Answers what the task asks for.
        threads: Limits the functions that run in threads at the same time.
        on_start: Called right before the author's code begins.
        settings: What the operator has set for tries.
    """

    def __init__(
        self,
        workload: Workload,
        *,
        tasks: TaskFinder,
        comms: Comms,
        threads: anyio.CapacityLimiter,
        on_start: Callable[[], None],
        settings: TrySettings = TrySettings(),
    ) -> None:
        self.workload = workload
        self._tasks, self._comms, self._threads, self._on_start = tasks, comms, threads, on_start
        self._settings = settings
        self._scope, self._calling = anyio.CancelScope(), anyio.CancelScope()
        self._cancel_reason: str | None = None
        self._has_begun = False
        self._task: BaseOperator | None = None
        self._ready: PreparedTask | None = None
        self._error: BaseException | None = None
        self._call: ThreadCall | None = None

    def cancel(self, reason: str) -> None:
        """End the try as failed, also when it has not begun or ends by itself at this moment."""
        self._cancel_reason = reason
        self._scope.cancel()
        self._calling.cancel()

    def is_abandoned(self) -> bool:
        """Whether `run` is over, but the author's function goes on in its thread."""
        return self._call is not None and self._call.goes_on()

    async def run(self) -> Ending:
        """Run the try and say how it ended.

        A cancellation from outside passes through; then `is_abandoned` says whether the try can be given
        back.
        """
        ending = None
        with self._scope:
            if not self._scope.cancel_called:
                ending = await self._ending()
        if self._cancel_reason is None:
            ending = with_asset_updates(ending or self._timed_out(), self._ready)
            with self._calling:
                ending = await self._judged(ending)
                await self._call_back(ending)
        # Also when the author's code came to its end first: who cancels may rely on what it was told.
        if self._cancel_reason is not None:
            return failed(self._cancel_reason + self._thread_note())
        return ending or self._timed_out()

    def _timed_out(self) -> Ending:
        limit = f"the try exceeded its execution_timeout of {self.workload.execution_timeout_s:g} s"
        self._error = TaskTimedOut(limit)
        return failed(limit + self._thread_note())

    async def _call_back(self, ending: Ending) -> None:
        """Call the author's callbacks; one that was told to end calls nobody."""
        state = state_after(ending.outcome, self.workload)
        if self._task is None or state is None:
            return
        callbacks = (*callbacks_after(self._task, state), *listeners_after(state, self._settings))
        if not callbacks:
            return
        if (ready := self._ready_to_call_back(self._task)) is not None:
            ready.end(state, self._error)
            await self._run_callbacks(callbacks, ready)

    async def _judged(self, ending: Ending) -> Ending:
        """The ending as the task decides by its retry policy."""
        questions = questions_after(self._task, self.workload, ending, self._error)
        if self._task is None or not questions:
            return ending
        if (ready := self._ready_to_call_back(self._task)) is None:
            return ending
        await self._run_callbacks(questions, ready)
        return after_answers(ending, questions)

    def _ready_to_call_back(self, task: BaseOperator) -> PreparedTask | None:
        self._comms.post(CallbacksBegun(CALLBACKS_S))
        self._ready = self._ready or unprepared(
            task, self.workload, comms=self._comms, settings=self._settings
        )
        return self._ready

    async def _run_callbacks(self, callbacks: Sequence[Callback], ready: PreparedTask) -> None:
        with current_context(ready.context), current_comms(self._comms):
            await acall_back(callbacks, ready.context)

    def _thread_note(self) -> str:
        if not self.is_abandoned():
            return ""
        return "; its function cannot be stopped and goes on in its thread: give what it waits for a timeout"

    async def _ending(self) -> Ending | None:
        """How the try ended; None if its own scope ended it and the author's code hid that."""
        pushed: dict[str, str] = {}
        try:
            effects = await self._carry_out(pushed)
        except KeyboardInterrupt:
            raise
        except anyio.get_cancelled_exc_class() as error:
            if _is_cancelled():
                raise
            # The author's code cancelled itself, or let the cancellation of a scope of its own escape.
            self._error = error
            return ending_of(error, pushed, task=self._task)
        # Whatever authors raise, GeneratorExit and exception groups included, is theirs: siblings go on.
        except BaseException as error:
            self._error = error
            return self._ending_of(error, pushed)
        return Ending(TryOutcome.SUCCESS, pushed, effects=effects)

    def _ending_of(self, error: BaseException, pushed: dict[str, str]) -> Ending | None:
        # Libraries turn cancellations into errors of their own; then these are not what went wrong.
        if _is_cancelled():
            return None if self._scope.cancel_called else GIVEN_BACK
        return ending_of(error, pushed, task=self._task, has_begun=self._has_begun)

    async def _carry_out(self, pushed: dict[str, str]) -> TryEffects:
        self._task = await self._tasks.task(self.workload)
        making = prepared(
            self._task, self.workload, comms=self._comms, pushed=pushed, settings=self._settings
        )
        self._ready = ready = await aanswered(making, self._comms)
        with current_context(ready.context), current_comms(self._comms):
            await aanswered(ready.rendered(), self._comms)
            try:
                result = await self._execute(ready.task, ready.context)
            except Exception:
                # What the author pushed before the error stays.
                await aanswered(self._named(ready), self._comms)
                await aanswered(ready.ti.xcoms.settled(), self._comms)
                raise
            await aanswered(self._named(ready), self._comms)
        self._scope.deadline = math.inf
        pushing = pushed_result(ready.ti, ready.task, result, length_max=self._settings.max_map_length)
        return await aanswered(pushing, self._comms)

    def _named(self, ready: PreparedTask) -> Question[None]:
        return named(ready.task, self.workload, ready.context, self._comms)

    async def _execute(self, task: BaseOperator, context: Context) -> Any:
        try:
            if task.is_async:
                self._begin()
                await self._announce(task, context)
                return await aexecuted(task, context)
            return await self._execute_in_thread(task, context)
        # One handler for all three reasons: a timeout, `cancel` and a shutdown.
        except anyio.get_cancelled_exc_class():
            await self._kill(task)
            raise

    async def _execute_in_thread(self, task: BaseOperator, context: Context) -> Any:
        await self._threads.acquire_on_behalf_of(self)
        try:
            self._begin()
            await self._announce(task, context)
            self._call = ThreadCall(executed, task, context)
            return await self._call.run()
        finally:
            # An abandoned thread gives its place back: hanging functions must not stop all others.
            self._threads.release_on_behalf_of(self)

    def _begin(self) -> None:
        self._has_begun = True
        self._on_start()
        # Waiting for XComs or a thread is no execution, so the time runs from here.
        if self.workload.execution_timeout_s is not None:
            self._scope.deadline = anyio.current_time() + self.workload.execution_timeout_s

    async def _announce(self, task: BaseOperator, context: Context) -> None:
        if self.workload.start_date is None:
            beginning = listeners_after(TaskInstanceState.RUNNING, self._settings)
            await acall_back((*task.on_execute_callback, *beginning), context)

    async def _kill(self, task: BaseOperator) -> None:
        if type(task).on_kill is BaseOperator.on_kill or not self._has_begun:
            return
        limit_s = ON_KILL_S if self._scope.cancel_called else ON_KILL_AT_SHUTDOWN_S
        with anyio.move_on_after(limit_s, shield=True):
            try:
                await anyio.to_thread.run_sync(task.on_kill, abandon_on_cancel=True)
            except Exception:
                log.exception("on_kill of %s failed", self.workload)


def _is_cancelled() -> bool:
    return anyio.current_effective_deadline() == -math.inf

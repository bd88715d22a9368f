"""`FunctionTry`: one try of a function on the main thread of a process of its own.

SIGINT and SIGTERM raise in the author's code, as often as they come: `finally` and `on_kill` then run
until the next one, and who sends them decides how long that may take. `tries.py` does the same for
coroutines, and for functions in threads.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from flowcore.domain.states import TaskInstanceState
from flowcore.domain.try_settings import TrySettings
from flowcore.domain.workloads import TryEffects, TryOutcome, Workload
from flowcore.errors import PeerGone
from flowcore.runner.asset_updates import with_asset_updates
from flowcore.runner.callbacks.task_callbacks import CALLBACKS_S, call_back, callbacks_after, state_after
from flowcore.runner.endings import Ending, ending_of
from flowcore.runner.executing import executed
from flowcore.runner.instance_names import named
from flowcore.runner.listening import listeners_after
from flowcore.runner.preparation import PreparedTask, prepared, unprepared
from flowcore.runner.processes.forked_child import flush_outputs
from flowcore.runner.results import pushed_result
from flowcore.runner.retry_questions import after_answers, questions_after
from flowcore.sdk.comms.interrupts import interrupt
from flowcore.sdk.comms.messages import CallbacksBegun, TryBegun
from flowcore.sdk.comms.questions import Comms, answered, current_comms
from flowcore.sdk.context import current_context
from flowcore.sdk.exceptions import TaskCancelled, TaskTimedOut
from flowcore.sdk.notifiers import Callback
from flowcore.sdk.operators import BaseOperator

log = logging.getLogger(__name__)

INTERRUPTS = (signal.SIGINT, signal.SIGTERM)


class FunctionTry:
    """One try; `run` it once, on the main thread."""

    def __init__(self, workload: Workload, task: BaseOperator, comms: Comms, settings: TrySettings) -> None:
        self._workload, self._task, self._comms, self._settings = workload, task, comms, settings
        self._began_at: float | None = None
        self._is_interrupted = self._is_over = False
        self._ready: PreparedTask | None = None
        self._error: BaseException | None = None

    def run(self) -> Ending:
        """Carry the try out and say how it ended; from then on signals do nothing.

        Raises:
            PeerGone: nobody wants to know.
        """
        pushed: dict[str, str] = {}
        try:
            with self._interruptible():
                effects = self._carry_out(pushed)
        except PeerGone:
            raise
        # Whatever authors raise, KeyboardInterrupt included, is theirs: no one else is in this process.
        except BaseException as error:
            self._error = error
            ending = ending_of(error, pushed, task=self._task, has_begun=self._began_at is not None)
        else:
            ending = Ending(TryOutcome.SUCCESS, pushed, effects=effects)
        return self._judged(with_asset_updates(ending, self._ready))

    def call_back(self, ending: Ending, error: BaseException | None = None) -> None:
        """Call the author's callbacks, when the ending was reported.

        They are told the `error`, by default what `run` met. A try that was told to end calls nobody.
        """
        state = state_after(ending.outcome, self._workload)
        callbacks = (*callbacks_after(self._task, state), *listeners_after(state, self._settings))
        if not callbacks or state is None or self._is_stopped():
            return
        if (ready := self._ready_to_call_back()) is not None:
            ready.end(state, error or self._error)
            self._call_back(callbacks, ready)

    def _judged(self, ending: Ending) -> Ending:
        """The ending as the task decides by its retry policy; one that was told to end asks nobody."""
        questions = questions_after(self._task, self._workload, ending, self._error)
        if not questions or self._is_stopped() or (ready := self._ready_to_call_back()) is None:
            return ending
        self._call_back(questions, ready)
        return after_answers(ending, questions)

    def _is_stopped(self) -> bool:
        return self._is_interrupted and not self._is_late()

    def _ready_to_call_back(self) -> PreparedTask | None:
        self._comms.post(CallbacksBegun(CALLBACKS_S))
        self._ready = self._ready or unprepared(
            self._task, self._workload, comms=self._comms, settings=self._settings
        )
        return self._ready

    def _call_back(self, callbacks: Sequence[Callback], ready: PreparedTask) -> None:
        with current_context(ready.context), current_comms(self._comms):
            call_back(callbacks, ready.context, backend=self._workload.backend)

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        for number in INTERRUPTS:
            signal.signal(number, self._interrupt)
        # Where the function is when it did not react to SIGINT; also when it is stuck in C.
        faulthandler.register(signal.SIGTERM, file=2, chain=True)
        try:
            yield
        finally:
            self._is_over = True

    def _interrupt(self, number: int, frame: object) -> None:
        if self._is_over:
            return
        self._is_interrupted = True
        if self._is_late():
            interrupt(TaskTimedOut(f"the try exceeded its execution_timeout of {self._limit_s:g} s"))
        else:
            interrupt(TaskCancelled(f"the try was told to end by {signal.Signals(number).name}"))

    @property
    def _limit_s(self) -> float:
        limit_s = self._workload.execution_timeout_s
        return float("inf") if limit_s is None else limit_s

    def _is_late(self) -> bool:
        return self._began_at is not None and time.monotonic() - self._began_at >= self._limit_s

    def _carry_out(self, pushed: dict[str, str]) -> TryEffects:
        comms = self._comms
        making = prepared(self._task, self._workload, comms=comms, pushed=pushed, settings=self._settings)
        self._ready = ready = answered(making, comms)
        with current_context(ready.context), current_comms(comms):
            answered(ready.rendered(), comms)
            try:
                result = self._execute(ready)
            finally:
                answered(named(ready.task, self._workload, ready.context, comms), comms)
        pushing = pushed_result(ready.ti, ready.task, result, length_max=self._settings.max_map_length)
        return answered(pushing, comms)

    def _execute(self, ready: PreparedTask) -> Any:
        self._began_at = time.monotonic()
        self._comms.post(TryBegun())
        if self._workload.start_date is None:
            beginning = listeners_after(TaskInstanceState.RUNNING, self._settings)
            self._call_back((*ready.task.on_execute_callback, *beginning), ready)
        process = os.getpid()
        try:
            return executed(ready.task, ready.context)
        finally:
            # The function has forked, and this is the copy: only the original has anything to report.
            if os.getpid() != process:
                flush_outputs()
                os._exit(0)
            if self._is_interrupted:
                self._kill(ready.task)

    def _kill(self, task: BaseOperator) -> None:
        try:
            task.on_kill()
        except Exception:
            log.exception("on_kill of %s failed", self._workload)

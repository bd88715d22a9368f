"""`InProcessCallbacks`: calls the callbacks of Dags in the process of the scheduler.

Coroutines on its event loop, functions in threads. What hangs in a thread is left behind there.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext

from flowcore.clock import Clock
from flowcore.domain.dag_callbacks import DagCallback
from flowcore.domain.try_settings import TrySettings
from flowcore.errors import DatabaseUnavailable, FlowcoreError
from flowcore.runner.answers import Answers
from flowcore.runner.callbacks.callback_logs import CallbackLog
from flowcore.runner.callbacks.dag_callbacks import callbacks_of, context_of_dag, problems_text
from flowcore.runner.callbacks.task_callbacks import CALLBACKS_S, acall_back
from flowcore.runner.logs.capture import TryLog, captured_by
from flowcore.runner.logs.files import LogSink
from flowcore.runner.loop_comms import LoopComms
from flowcore.runner.sources import DagFinder, TrySources
from flowcore.sdk.comms.questions import current_comms
from flowcore.sdk.context import current_context


class InProcessCallbacks:
    """Implements `flowcore.scheduler.callback_calls.CallbackCaller`.

    Args:
        dags: Where the authors' Dags are found.
        sources: Where what callbacks ask for is found.
        clock: Dates what they log.
        logs: Where what they log and print is written; by default it goes where the process's goes.
        settings: What the operator has set for tries.
        limit_s: How long one call may take.
    """

    def __init__(
        self,
        dags: DagFinder,
        sources: TrySources,
        *,
        clock: Clock,
        logs: LogSink | None = None,
        settings: TrySettings = TrySettings(),
        limit_s: float = CALLBACKS_S,
    ) -> None:
        self._dags, self._sources, self._clock = dags, sources, clock
        self._logs, self._settings, self._limit_s = logs, settings, limit_s

    def has_dag(self, dag_id: str) -> bool:
        return self._dags.has_dag(dag_id)

    async def call(self, callback: DagCallback) -> str | None:
        log = CallbackLog(self._logs, callback, self._clock)
        with captured_by(TryLog(log.add)) if self._logs else nullcontext():
            return problems_text(await self._problems(callback, log))

    async def _problems(self, callback: DagCallback, log: CallbackLog) -> Sequence[str]:
        comms = LoopComms(Answers(callback.workload, self._sources))
        try:
            dag = await self._dags.dag(callback.run)
            context = context_of_dag(dag, callback, comms=comms, settings=self._settings)
        except DatabaseUnavailable:
            raise
        except FlowcoreError as error:
            log.note_problem(str(error))
            return [str(error)]
        with current_context(context), current_comms(comms):
            return await acall_back(callbacks_of(dag, callback.occasion), context, limit_s=self._limit_s)

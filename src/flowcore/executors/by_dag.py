"""Two executors as one: Dags that an embedder has registered run in its process, those of files elsewhere.

And the same for who calls the callbacks of Dags.
"""

from __future__ import annotations

from collections.abc import Callable

import anyio
from anyio.abc import TaskStatus

from flowcore.abc import Executor, ReportSink
from flowcore.domain.dag_callbacks import DagCallback
from flowcore.domain.workloads import Slots, Workload
from flowcore.scheduler.callback_calls import CallbackCaller


class ByDag:
    """Implements `flowcore.abc.Executor`, under the name of `elsewhere`.

    Args:
        elsewhere: Carries out the tries of all other Dags.
        here: Carries out the tries of Dags that only this process knows.
        is_here: Tells which these are.
    """

    def __init__(self, elsewhere: Executor, here: Executor, is_here: Callable[[str], bool]) -> None:
        self.name = elsewhere.name
        self._elsewhere, self._here, self._is_here = elsewhere, here, is_here

    def free_slots(self) -> Slots:
        # Which Dags will want them is not known, so only as many as either of them has.
        here = self._here.free_slots()
        return {runs_in: min(free, here[runs_in]) for runs_in, free in self._elsewhere.free_slots().items()}

    def has_dag(self, dag_id: str) -> bool:
        return self._here.has_dag(dag_id) or self._elsewhere.has_dag(dag_id)

    def submit(self, workload: Workload) -> None:
        """Take a try; `flowcore.abc.Executor` says more."""
        (self._here if self._is_here(workload.run.dag_id) else self._elsewhere).submit(workload)

    def cancel(self, task_instance_id: int, token: int, reason: str) -> bool:
        return self._here.cancel(task_instance_id, token, reason) or self._elsewhere.cancel(
            task_instance_id, token, reason
        )

    async def serve(self, sink: ReportSink, *, task_status: TaskStatus[None]) -> None:
        async with anyio.create_task_group() as nursery:
            for executor in (self._elsewhere, self._here):
                await nursery.start(executor.serve, sink)
            task_status.started()

    async def wait_idle(self) -> None:
        # Who waits submits nothing meanwhile.
        await self._elsewhere.wait_idle()
        await self._here.wait_idle()


class CallbacksByDag:
    """Implements `flowcore.scheduler.callback_calls.CallbackCaller`; the arguments are those of `ByDag`."""

    def __init__(
        self, elsewhere: CallbackCaller, here: CallbackCaller, is_here: Callable[[str], bool]
    ) -> None:
        self._elsewhere, self._here, self._is_here = elsewhere, here, is_here

    def has_dag(self, dag_id: str) -> bool:
        return self._here.has_dag(dag_id) or self._elsewhere.has_dag(dag_id)

    async def call(self, callback: DagCallback) -> str | None:
        is_here = self._is_here(callback.run.dag_id)
        return await (self._here if is_here else self._elsewhere).call(callback)

"""An executor whose tries go on until the test ends them."""

from __future__ import annotations

from datetime import UTC, datetime

import anyio
import attrs
from anyio.abc import TaskStatus

from flowcore.abc import ReportSink
from flowcore.domain.workloads import RunsIn, Slots, TryEnded, TryOutcome, TryStarted, Workload


@attrs.define(eq=False)
class HeldExecutor:
    """Implements `flowcore.abc.Executor`; `serving` counts how often it began to serve."""

    name: str = "held"
    serving: int = 0
    running: list[Workload] = attrs.field(factory=list)
    submitted: list[Workload] = attrs.field(factory=list)
    sink: ReportSink | None = None
    _changed: anyio.Event = attrs.field(factory=anyio.Event)

    def free_slots(self) -> Slots:
        return dict.fromkeys(RunsIn, 1_000)

    def has_dag(self, dag_id: str) -> bool:
        return True

    def submit(self, workload: Workload) -> None:
        self.running.append(workload)
        self.submitted.append(workload)
        assert self.sink is not None
        self.sink.report(TryStarted(workload=workload, start_date=datetime.now(UTC)))
        self._change()

    def cancel(self, task_instance_id: int, token: int, reason: str) -> bool:
        return False

    async def serve(
        self, sink: ReportSink, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED
    ) -> None:
        self.sink = sink
        self.serving += 1
        task_status.started()
        try:
            await anyio.sleep_forever()
        finally:
            self.end_all(TryOutcome.GIVEN_BACK)

    async def wait_idle(self) -> None:
        while self.running:
            await self._changed.wait()

    async def wait_submitted(self, count: int = 1) -> None:
        """Return once `count` tries were submitted in all."""
        with anyio.fail_after(30):
            while len(self.submitted) < count:
                await self._changed.wait()

    def end_all(self, outcome: TryOutcome = TryOutcome.SUCCESS) -> None:
        """End what is running."""
        ended, self.running = self.running, []
        assert self.sink is not None
        for workload in ended:
            now = datetime.now(UTC)
            self.sink.report(TryEnded(workload=workload, outcome=outcome, start_date=now, end_date=now))
        self._change()

    def _change(self) -> None:
        changed, self._changed = self._changed, anyio.Event()
        changed.set()

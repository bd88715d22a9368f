"""An executor whose tries do nothing but end as a script says: no threads, no code of tasks.

It works in two ways: `serve` it, and tries end as the loop's time passes; or `attach` a sink and call
`end_due` after moving a clock by hand, as the stepping simulation does.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime, timedelta

import anyio
import attrs
from anyio.abc import TaskStatus

from flowcore.abc import ReportSink
from flowcore.clock import Clock
from flowcore.domain.workloads import (
    NO_EFFECTS,
    RunsIn,
    Slots,
    TryEffects,
    TryEnded,
    TryOutcome,
    TryStarted,
    Workload,
)
from flowcore.errors import UsageError
from flowcore.testing.scripts import Script, ScriptedEnd


@attrs.frozen
class ScriptedTry:
    """A try that runs, and when it will end."""

    workload: Workload
    started_at: datetime
    ends_at: datetime

    @property
    def key(self) -> tuple[int, int]:
        """Task instance and token."""
        return self.workload.task_instance_id, self.workload.token


class ScriptedExecutor:
    """Implements `flowcore.abc.Executor`.

    When a try of the script is fatal, the executor forgets everything and says so in `is_crashed`:
    whoever simulates its process has to end it.
    """

    def __init__(
        self, script: Script, *, clock: Clock, parallelism: int = 1_000, name: str = "scripted"
    ) -> None:
        self.name = name
        self.is_crashed = False
        self._script, self._clock, self._parallelism = script, clock, parallelism
        self._sink: ReportSink | None = None
        self._tries: dict[tuple[int, int], ScriptedTry] = {}
        self._changed = anyio.Event()

    def attach(self, sink: ReportSink) -> None:
        """Send reports there; `serve` does so by itself."""
        self._sink = sink

    @property
    def running(self) -> tuple[Workload, ...]:
        """The tries that are here."""
        return tuple(running.workload for running in self._tries.values())

    @property
    def next_end_at(self) -> datetime | None:
        """When the next try ends; None when none is here."""
        return min((running.ends_at for running in self._tries.values()), default=None)

    def free_slots(self) -> Slots:
        return dict.fromkeys(RunsIn, max(0, self._parallelism - len(self._tries)))

    def has_dag(self, dag_id: str) -> bool:
        return True

    def submit(self, workload: Workload) -> None:
        """Take a try; it starts at once.

        Raises:
            UsageError: nobody takes its reports yet.
        """
        now = self._clock.now()
        end = self._end_of(workload)
        taken = ScriptedTry(workload, now, now + timedelta(seconds=end.duration_s))
        self._required_sink().report(TryStarted(workload=workload, start_date=workload.start_date or now))
        self._tries[taken.key] = taken
        self._signal()

    def cancel(self, task_instance_id: int, token: int, reason: str) -> bool:
        found = self._tries.get((task_instance_id, token))
        if found is None:
            return False
        self._end(found, TryOutcome.FAILED, error=reason)
        return True

    def end_due(self) -> int:
        """End the tries whose time has come, in the order of their ends; how many there were."""
        due = [running for running in self._in_order() if running.ends_at <= self._clock.now()]
        for running in due:
            end = self._end_of(running.workload)
            if end.kills(running.workload):
                self.crash()
                break
            if until := end.put_off_until(running.workload, running.started_at):
                self._end(running, TryOutcome.RESCHEDULED, reschedule_at=until)
                continue
            is_success = end.outcome is TryOutcome.SUCCESS
            self._end(running, end.outcome, effects=end.effects if is_success else NO_EFFECTS)
        return len(due)

    def give_back(self) -> None:
        """Stop all tries and report them as given back."""
        for running in self._in_order():
            self._end(running, TryOutcome.GIVEN_BACK)

    def crash(self) -> None:
        """Forget all tries without a word, as a process does that dies."""
        self.is_crashed = True
        self._tries.clear()
        self._signal()

    async def serve(self, sink: ReportSink, *, task_status: TaskStatus[None]) -> None:
        self.attach(sink)
        try:
            task_status.started()
            while True:
                await self._wait_for_change()
                self.end_due()
        finally:
            self.give_back()
            self._sink = None

    async def wait_idle(self) -> None:
        while self._tries:
            await self._changed.wait()

    async def _wait_for_change(self) -> None:
        next_end_at = self.next_end_at
        due_s = math.inf if next_end_at is None else (next_end_at - self._clock.now()).total_seconds()
        with anyio.move_on_after(max(0.0, due_s)):
            await self._changed.wait()

    def _end_of(self, workload: Workload) -> ScriptedEnd:
        return self._script.end_of(workload.task_id, workload.try_number, workload.map_index)

    def _in_order(self) -> Iterable[ScriptedTry]:
        return sorted(self._tries.values(), key=lambda running: (running.ends_at, running.key))

    def _end(
        self,
        running: ScriptedTry,
        outcome: TryOutcome,
        *,
        error: str | None = None,
        effects: TryEffects = NO_EFFECTS,
        reschedule_at: datetime | None = None,
    ) -> None:
        del self._tries[running.key]
        self._signal()
        self._required_sink().report(
            TryEnded(
                workload=running.workload,
                outcome=outcome,
                start_date=running.workload.start_date or running.started_at,
                end_date=self._clock.now(),
                error=error,
                effects=effects,
                reschedule_at=reschedule_at,
            )
        )

    def _required_sink(self) -> ReportSink:
        if self._sink is None:
            raise UsageError(f"executor {self.name!r} has no sink; serve it or attach() one before submit()")
        return self._sink

    def _signal(self) -> None:
        changed, self._changed = self._changed, anyio.Event()
        changed.set()

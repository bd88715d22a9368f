from __future__ import annotations

from datetime import timedelta

import attrs
import pytest

from flowcore.concurrency.wakeups import Wakeups
from flowcore.domain.workloads import RunFacts, RunsIn, TryEnded, TryOutcome, Workload
from flowcore.errors import UsageError
from flowcore.scheduler.routines.apply_executor_events import ReportBuffer
from flowcore.testing import ManualClock, Script, ScriptedEnd, ScriptedExecutor
from flowcore.testing.clock import EPOCH

RUN = RunFacts(dag_run_id=1, dag_id="dag", run_id="run", run_type="manual", dag_version_id=1, run_after=EPOCH)
WORK = Workload(task_instance_id=1, token=1, task_id="task", position=0, run=RUN)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def sink() -> ReportBuffer:
    return ReportBuffer(Wakeups())


def executor_of(end: ScriptedEnd, clock: ManualClock, sink: ReportBuffer) -> ScriptedExecutor:
    executor = ScriptedExecutor(Script({("task", 1): end}), clock=clock, parallelism=1)
    executor.attach(sink)
    executor.submit(WORK)
    return executor


def outcomes(sink: ReportBuffer) -> list[TryOutcome]:
    return [report.outcome for report in sink.ended if isinstance(report, TryEnded)]


async def test_try_ends_when_its_time_has_come(clock, sink):
    executor = executor_of(ScriptedEnd(TryOutcome.SKIPPED, duration_s=2.0), clock, sink)
    clock.advance(1.0)
    assert (executor.end_due(), executor.free_slots()[RunsIn.PROCESS]) == (0, 0)
    clock.advance(1.0)
    assert (executor.end_due(), executor.free_slots()[RunsIn.PROCESS]) == (1, 1)
    assert outcomes(sink) == [TryOutcome.SKIPPED]


async def test_try_that_waits_is_put_off_once(clock, sink):
    executor = executor_of(ScriptedEnd(duration_s=1.0, waits_s=60.0), clock, sink)
    clock.advance(1.0)
    executor.end_due()
    [put_off] = sink.ended
    assert (put_off.outcome, put_off.reschedule_at) == (TryOutcome.RESCHEDULED, EPOCH + timedelta(minutes=1))
    clock.advance(59.0)
    executor.submit(attrs.evolve(WORK, token=2, start_date=put_off.start_date))
    clock.advance(1.0)
    executor.end_due()
    assert outcomes(sink) == [TryOutcome.RESCHEDULED, TryOutcome.SUCCESS]


async def test_fatal_try_takes_everything_with_it(clock, sink):
    executor = executor_of(ScriptedEnd(duration_s=0.0, fatal_tokens=1), clock, sink)
    executor.end_due()
    assert executor.is_crashed
    assert (executor.running, outcomes(sink)) == ((), [])


async def test_cancelled_try_fails_once(clock, sink):
    executor = executor_of(ScriptedEnd(), clock, sink)
    assert executor.cancel(1, 1, "a test")
    assert not executor.cancel(1, 1, "a test")
    assert outcomes(sink) == [TryOutcome.FAILED]


async def test_tries_that_are_given_back_say_so(clock, sink):
    executor = executor_of(ScriptedEnd(), clock, sink)
    executor.give_back()
    assert outcomes(sink) == [TryOutcome.GIVEN_BACK]


async def test_submit_before_anybody_listens_is_refused(clock):
    with pytest.raises(UsageError, match="no sink"):
        ScriptedExecutor(Script(), clock=clock).submit(WORK)

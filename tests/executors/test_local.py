from __future__ import annotations

import os
import signal
from contextlib import asynccontextmanager
from functools import partial

import anyio
import anyio.lowlevel
import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowcore.abc import Executor
from flowcore.backends import Backend
from flowcore.clock import SystemClock
from flowcore.domain.dag_sources import DagSource
from flowcore.domain.workloads import RunsIn, TryOutcome, TryStarted
from flowcore.errors import DagError, DatabaseUnavailable, UsageError
from flowcore.executors.child_stopping import AT_SHUTDOWN, Graces
from flowcore.executors.local import LocalExecutor
from flowcore.executors.local_service import LocalLimits
from flowcore.runner.processes.connections import ForkFailed, ForkServerGone
from flowcore.runner.processes.jobs import CALLBACKS, TRY
from tests.executors.fake_forks import FakeForks, fake_forks, like_its_task
from tests.runner.tries import Reports, sources_of, workload_of

SOURCE = DagSource.of("", path="/dags/d.py", folder="/dags")
GRACES = Graces(0.02, 0.02, 1.0, 1.0)
LIMITS = LocalLimits(parallelism=4, async_parallelism=8, workers=1, graces=GRACES)
SUCCESS, FAILED, GIVEN_BACK = TryOutcome.SUCCESS, TryOutcome.FAILED, TryOutcome.GIVEN_BACK


@attrs.define
class Sources:
    """One source for all versions, or an error; `gate` holds lookups up."""

    error: Exception | None = None
    gate: anyio.Event | None = None

    async def get(self, dag_version_id):
        await anyio.lowlevel.checkpoint()
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        return SOURCE


class Catalogue:
    def has_dag(self, dag_id):
        return dag_id == "d"


@attrs.define
class Bench:
    """An executor that serves, what it forked and what it reported."""

    executor: LocalExecutor
    forks: FakeForks
    reports: Reports
    scope: anyio.CancelScope

    def submit(self, task_id, number=1, *, runs_in=RunsIn.PROCESS, **fields):
        workload = workload_of(task_id, number, timeout_s=fields.pop("timeout_s", None))
        self.executor.submit(attrs.evolve(workload, runs_in=runs_in, **fields))

    @property
    def end(self):
        [end] = self.reports.ends
        return end


def executor_of(forks, sources=None, limits=LIMITS):
    return LocalExecutor(
        forks,
        Catalogue(),
        sources or Sources(),
        sources_of(),
        clock=SystemClock(),
        limits=limits,
    )


@asynccontextmanager
async def serving(sources=None, limits=LIMITS):
    async with fake_forks(like_its_task) as forks:
        executor, reports = executor_of(forks, sources, limits), Reports()
        async with anyio.create_task_group() as nursery:
            await nursery.start(executor.serve, reports)
            yield Bench(executor, forks, reports, nursery.cancel_scope)
            nursery.cancel_scope.cancel()


async def ended(bench):
    with anyio.fail_after(30):
        await bench.executor.wait_idle()
    return bench.reports.outcomes


@pytest.mark.parametrize("runs_in", [RunsIn.PROCESS, RunsIn.WORKER])
async def test_try_is_reported_with_what_it_said(runs_in):
    async with serving() as bench:
        bench.submit("succeed", runs_in=runs_in)
        await ended(bench)
    started, end = bench.reports.reports
    assert isinstance(started, TryStarted)
    assert (end.outcome, end.xcoms) == (SUCCESS, {"return_value": "1"})


@pytest.mark.parametrize(
    ("behaviour", "told"),
    [
        ("vanish", "ended with exit status 0 and without a report"),
        ("babble", "broke the protocol of its comms socket"),
    ],
)
async def test_child_that_breaks_off_fails_its_try(behaviour, told):
    async with serving() as bench:
        bench.submit(behaviour)
        bench.submit("succeed", 2)
        assert await ended(bench) == {1: FAILED, 2: SUCCESS}
    [error] = [end.error for end in bench.reports.ends if end.outcome is FAILED]
    assert told in error


async def test_child_that_outlives_its_timeout_is_interrupted():
    async with serving() as bench:
        bench.submit("hang", timeout_s=0.01)
        await ended(bench)
    assert (bench.end.outcome, bench.end.error) == (FAILED, "interrupted")
    assert bench.forks.forked[0].signals[0] == signal.SIGINT


async def test_child_that_does_not_react_is_killed_in_the_end():
    async with serving() as bench:
        bench.submit("stay", timeout_s=0.01)
        await ended(bench)
    assert bench.end.error == (
        "the try exceeded its execution_timeout of 0.01 s; it did not end when it was asked to,"
        " and was killed"
    )
    assert bench.forks.forked[0].signals[:3] == [signal.SIGINT, signal.SIGTERM, signal.SIGKILL]


@pytest.mark.parametrize("behaviour", ["hang", "stay"])
@pytest.mark.parametrize("runs_in", [RunsIn.PROCESS, RunsIn.WORKER])
async def test_cancelled_try_fails_with_the_reason(behaviour, runs_in):
    limits = attrs.evolve(LIMITS, worker=attrs.evolve(LIMITS.worker, ping_s=0.01))
    async with serving(limits=limits) as bench:
        bench.submit(behaviour, runs_in=runs_in)
        await bench.reports.wait_started()
        assert bench.executor.cancel(1, 1, "marked failed by a user")
        await ended(bench)
    assert bench.end.outcome is FAILED
    assert bench.end.error.startswith("marked failed by a user")


@pytest.mark.parametrize("runs_in", [RunsIn.PROCESS, RunsIn.WORKER])
async def test_try_can_be_cancelled_before_it_has_a_process(runs_in):
    async with serving(Sources(gate=anyio.Event())) as bench:
        bench.submit("succeed", runs_in=runs_in)
        await anyio.wait_all_tasks_blocked()
        bench.executor.cancel(1, 1, "why")
        await ended(bench)
    assert (bench.end.outcome, bench.end.error) == (FAILED, "why")
    assert bench.forks.forked == []


async def test_cancelling_what_is_not_here_says_so():
    async with serving() as bench:
        bench.submit("hang")
        assert not bench.executor.cancel(1, 2, "another claim")
        assert not bench.executor.cancel(2, 1, "another one")


@pytest.mark.parametrize("behaviour", ["hang", "stay"])
@pytest.mark.parametrize("runs_in", [RunsIn.PROCESS, RunsIn.WORKER])
async def test_shutdown_gives_back_what_still_runs(behaviour, runs_in):
    async with serving() as bench:
        bench.submit(behaviour, runs_in=runs_in)
        await bench.reports.wait_started()
        bench.scope.cancel()
    assert bench.reports.outcomes == {1: GIVEN_BACK}
    assert bench.forks.forked[0].child.status is not None
    # So that `finally` runs: the other steps have no time at a shutdown.
    assert bench.forks.forked[0].signals[0] == signal.SIGINT
    assert AT_SHUTDOWN.interrupt_s > 0


@pytest.mark.parametrize("runs_in", [RunsIn.PROCESS, RunsIn.WORKER])
async def test_shutdown_gives_back_what_has_no_process_yet(runs_in):
    async with serving(Sources(gate=anyio.Event())) as bench:
        bench.submit("succeed", runs_in=runs_in)
        bench.scope.cancel()
    assert bench.reports.outcomes == {1: GIVEN_BACK}


@pytest.mark.parametrize("runs_in", [RunsIn.PROCESS, RunsIn.WORKER])
@pytest.mark.parametrize(
    ("error", "outcome"),
    [(DagError("no source; mend it"), FAILED), (DatabaseUnavailable("away"), GIVEN_BACK)],
)
async def test_try_whose_file_cannot_be_had(runs_in, error, outcome):
    async with serving(Sources(error)) as bench:
        bench.submit("succeed", runs_in=runs_in)
        assert await ended(bench) == {1: outcome}


@pytest.mark.parametrize("runs_in", [RunsIn.PROCESS, RunsIn.WORKER])
@pytest.mark.parametrize("error", [ForkFailed("no memory"), ForkServerGone()])
async def test_fork_that_goes_wrong_is_tried_again(runs_in, error):
    async with serving() as bench:
        bench.forks.failures = [error]
        bench.submit("succeed", runs_in=runs_in)
        assert await ended(bench) == {1: SUCCESS}


@pytest.mark.parametrize("runs_in", [RunsIn.PROCESS, RunsIn.WORKER])
async def test_try_that_dies_with_the_fork_server_is_given_back(runs_in):
    async with serving() as bench:
        bench.submit("hang", runs_in=runs_in)
        await bench.reports.wait_started()
        bench.forks.die()
        assert await ended(bench) == {1: GIVEN_BACK}


async def test_task_instance_whose_fork_server_dies_each_time_fails():
    async with serving() as bench:
        for _ in range(6):
            bench.submit("hang")
            await bench.reports.wait_started(len(bench.reports.ends) + 1)
            bench.forks.die()
            await ended(bench)
    assert [end.outcome for end in bench.reports.ends] == [GIVEN_BACK] * 5 + [FAILED]
    assert "died with the fork server 6 times" in bench.reports.ends[-1].error


async def test_survivors_of_a_dead_worker_run_again_alone():
    async with serving() as bench:
        for number, name in enumerate(["hang", "hang", "vanish"], 1):
            bench.submit(name, number, runs_in=RunsIn.WORKER)
        await bench.reports.wait_started(3)
        await bench.forks.wait_forked(4)
        assert bench.executor.cancel(1, 1, "enough")
        assert bench.executor.cancel(2, 1, "enough")
        assert await ended(bench) == {1: FAILED, 2: FAILED, 3: FAILED}
    errors = {end.workload.task_instance_id: end.error for end in bench.reports.ends}
    assert errors[1] == errors[2] == "enough"
    assert "without a report" in errors[3]


async def test_only_try_of_a_dead_worker_is_to_blame():
    async with serving() as bench:
        bench.submit("vanish", runs_in=RunsIn.WORKER)
        assert await ended(bench) == {1: FAILED}
        assert len(bench.forks.forked) == 1


async def test_worker_is_kept_and_replaced_when_files_have_changed():
    async with serving() as bench:
        for number in (1, 2):
            bench.submit("succeed", number, runs_in=RunsIn.WORKER)
            await ended(bench)
        assert len(bench.forks.forked) == 1
        bench.executor.forget_dags()
        bench.submit("succeed", 3, runs_in=RunsIn.WORKER)
        await ended(bench)
        assert (len(bench.forks.forked), bench.forks.forgotten) == (2, 1)


async def test_worker_that_has_done_much_is_replaced():
    limits = attrs.evolve(LIMITS, worker=attrs.evolve(LIMITS.worker, tries_max=2))
    async with serving(limits=limits) as bench:
        for number in range(5):
            bench.submit("succeed", number, runs_in=RunsIn.WORKER)
            await ended(bench)
        assert len(bench.forks.forked) == 3


async def test_worker_that_has_grown_too_large_is_replaced():
    worker = attrs.evolve(LIMITS.worker, memory_max=100, ping_s=0.01)
    async with serving(limits=attrs.evolve(LIMITS, worker=worker)) as bench:
        bench.submit("succeed", 1, runs_in=RunsIn.WORKER)
        await ended(bench)
        [leaky] = bench.forks.forked
        leaky.memory = 101
        with anyio.fail_after(20):
            await leaky.child.wait()
        bench.submit("succeed", 2, runs_in=RunsIn.WORKER)
        assert await ended(bench) == {1: SUCCESS, 2: SUCCESS}
        assert (len(bench.forks.forked), signal.SIGINT in leaky.signals) == (2, True)


async def test_tries_leave_no_descriptor_open():
    async with serving() as bench:
        counts = []
        for number in range(12):
            bench.submit(("succeed", "vanish", "babble")[number % 3], number)
            await ended(bench)
            counts.append(len(os.listdir("/proc/self/fd")))
        assert counts[-1] <= counts[2]


async def test_each_event_loop_has_workers_of_its_own():
    async with serving() as bench:
        for number, backend in enumerate([Backend.TRIO, Backend.ASYNCIO, None]):
            bench.submit("succeed", number, runs_in=RunsIn.WORKER, backend=backend)
        await ended(bench)
    assert sorted(fake.payload["backend"] for fake in bench.forks.forked) == ["asyncio", "trio"]


async def test_task_in_the_process_of_the_scheduler_is_refused():
    async with serving() as bench:
        bench.submit("succeed", runs_in=RunsIn.IN_PROCESS)
        await ended(bench)
    assert bench.end.outcome is TryOutcome.FAILED_FOR_GOOD
    assert bench.end.error.endswith("use another runs_in, or --executor in-process")


async def test_slots_are_counted_by_where_tries_run():
    async with serving() as bench:
        bench.submit("hang", 1)
        bench.submit("hang", 2, runs_in=RunsIn.WORKER)
        free = bench.executor.free_slots()
        assert (free[RunsIn.PROCESS], free[RunsIn.WORKER]) == (3, 7)
        bench.executor.cancel(1, 1, "why")
        bench.executor.cancel(2, 1, "why")
        await ended(bench)
        free = bench.executor.free_slots()
        assert (free[RunsIn.PROCESS], free[RunsIn.WORKER]) == (4, 8)


async def test_submitting_to_an_executor_that_does_not_serve_is_refused():
    with pytest.raises(UsageError, match="executor 'local' does not serve"):
        executor_of(None).submit(workload_of("succeed"))


async def test_it_is_an_executor():
    executor: Executor = executor_of(None)
    assert (executor.name, executor.has_dag("d"), executor.has_dag("e")) == ("local", True, False)
    await executor.wait_idle()


@st.composite
def scripts(draw):
    """Tries to submit; after each, how often to yield, which one to cancel, whether the fork server dies."""
    names = st.sampled_from(["succeed", "hang", "stay", "vanish", "babble", "go_deaf"])
    tries = st.tuples(names, st.sampled_from([RunsIn.PROCESS, RunsIn.WORKER]), st.none() | st.just(0.01))
    steps = st.tuples(tries, st.integers(0, 8), st.none() | st.integers(0, 9), st.integers(0, 9))
    return draw(st.lists(steps, max_size=8))


async def play(script, yields):
    async with serving() as bench:
        for number, ((name, runs_in, timeout_s), pauses, cancelled, death) in enumerate(script):
            bench.submit(name, number, runs_in=runs_in, timeout_s=timeout_s)
            for _ in range(pauses):
                await anyio.lowlevel.checkpoint()
            if cancelled is not None:
                bench.executor.cancel(cancelled, 1, "cancelled")
            if death == 0:
                bench.forks.die()
        for _ in range(yields):
            await anyio.lowlevel.checkpoint()
    return bench


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@settings(max_examples=40)
@given(script=scripts(), yields=st.integers(0, 60))
def test_every_submitted_try_ends_exactly_once_whenever_all_is_cancelled(backend, script, yields):
    bench = anyio.run(partial(play, script, yields), backend=backend)
    ended = sorted(end.workload.task_instance_id for end in bench.reports.ends)
    started = [report for report in bench.reports.reports if isinstance(report, TryStarted)]
    assert ended == list(range(len(script)))
    assert len(started) == len({report.workload.task_instance_id for report in started})
    assert bench.executor.statistics() == attrs.evolve(
        bench.executor.statistics(), running=0, workers=0, ended=len(script)
    )
    assert [fake for fake in bench.forks.forked if fake.child.status is None] == []


# ---- callbacks of those that died


async def test_callbacks_of_a_try_that_died_are_told_in_another_process():
    async with serving() as bench:
        bench.submit("vanish", has_failure_callbacks=True)
        await ended(bench)
    assert [fake.job for fake in bench.forks.forked] == [TRY, CALLBACKS]
    assert bench.end.outcome is FAILED
    assert bench.forks.forked[1].payload["error"] == bench.end.error


async def test_a_try_that_was_cancelled_calls_nobody():
    async with serving() as bench:
        bench.submit("stay", has_failure_callbacks=True)
        await bench.forks.wait_forked(1)
        bench.executor.cancel(1, 1, "somebody wants so")
        await ended(bench)
    assert [fake.job for fake in bench.forks.forked] == [TRY]


async def test_a_shutdown_that_cuts_callbacks_short_gives_the_try_back():
    async with serving() as bench:
        bench.submit("babble", has_failure_callbacks=True)
        await bench.forks.wait_forked(2)
    assert bench.end.outcome is GIVEN_BACK


async def test_callbacks_that_cannot_be_told_do_not_hold_up_the_end(caplog):
    sources = Sources()
    async with serving(sources) as bench:
        bench.submit("stay", has_failure_callbacks=True, timeout_s=0.01)
        await bench.forks.wait_forked(1)
        sources.error = DatabaseUnavailable("away; wait")
        assert await ended(bench) == {1: FAILED}
    assert "its callbacks are not called" in caplog.text

from __future__ import annotations

import threading
from contextlib import asynccontextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta

import anyio.lowlevel
import anyio.to_thread
import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowcore.abc import Executor
from flowcore.domain.workloads import RunsIn, TryEnded, TryOutcome, TryStarted
from flowcore.errors import UsageError
from flowcore.executors.in_process import InProcessExecutor
from flowcore.runner.logs.capture import capturing
from flowcore.runner.logs.files import open_log_files
from flowcore.runner.logs.paths import log_path
from flowcore.sdk import DAG, TaskFailed, TaskSkipped, task
from tests.runner.tries import RUN, Reports, Tasks, sources_of, workload_of

CALLER = ContextVar("caller", default="none")


class Ended(BaseException):
    """An exception of the author's that is none of Exception's."""


class TickingClock:
    """Each look is a second later than the one before."""

    def __init__(self):
        self.moment = datetime(2024, 1, 1, tzinfo=UTC)

    def now(self):
        self.moment += timedelta(seconds=1)
        return self.moment


@task
async def succeed():
    await anyio.lowlevel.checkpoint()


@task
async def succeed_at_once():
    pass


@task
async def fail():
    await anyio.lowlevel.checkpoint()
    raise ValueError("bug")


@task
async def skip():
    raise TaskSkipped


@task
async def fail_for_good():
    raise TaskFailed


@task
async def raise_base_exception():
    await anyio.lowlevel.checkpoint()
    raise Ended


@task
async def raise_group():
    async with anyio.create_task_group() as nursery:
        nursery.start_soon(raise_base_exception.function)
        nursery.start_soon(fail.function)


@task
async def wait_for_ever():
    await anyio.sleep_forever()


@task
async def wait_twice():
    try:
        await anyio.sleep_forever()
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.lowlevel.checkpoint()


@task
async def hide_cancellation():
    try:
        await anyio.sleep_forever()
    finally:
        raise ValueError("hidden")


@task
def succeed_in_thread():
    pass


@task
def exit_in_thread():
    raise SystemExit(1)


FUNCTIONS = [
    succeed,
    succeed_at_once,
    fail,
    skip,
    fail_for_good,
    raise_base_exception,
    raise_group,
    wait_for_ever,
    wait_twice,
    hide_cancellation,
    succeed_in_thread,
    exit_in_thread,
]
ENDLESS = {"wait_for_ever", "wait_twice", "hide_cancellation"}

with DAG("d") as DAG_OF_ALL:
    for function in FUNCTIONS:
        function()


@attrs.define
class Bench:
    """An executor that serves, and what it reported."""

    executor: InProcessExecutor
    reports: Reports
    scope: anyio.CancelScope


def executor_of(dag, **options):
    return InProcessExecutor(Tasks(dag), sources_of(), clock=TickingClock(), **options)


@asynccontextmanager
async def serving(dag=DAG_OF_ALL, **options):
    executor, reports = executor_of(dag, **options), Reports()
    async with anyio.create_task_group() as nursery:
        await nursery.start(executor.serve, reports)
        yield Bench(executor, reports, nursery.cancel_scope)
        nursery.cancel_scope.cancel()


async def outcome_of(name):
    async with serving() as bench:
        bench.executor.submit(workload_of(name))
        await bench.executor.wait_idle()
    return bench.reports.outcomes[1]


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("succeed", TryOutcome.SUCCESS),
        ("succeed_at_once", TryOutcome.SUCCESS),
        ("succeed_in_thread", TryOutcome.SUCCESS),
        ("skip", TryOutcome.SKIPPED),
        ("fail", TryOutcome.FAILED),
        ("fail_for_good", TryOutcome.FAILED_FOR_GOOD),
        ("raise_base_exception", TryOutcome.FAILED),
        ("raise_group", TryOutcome.FAILED),
        ("exit_in_thread", TryOutcome.FAILED),
    ],
)
async def test_try_is_reported_with_its_outcome(name, outcome):
    assert await outcome_of(name) is outcome


async def test_start_and_end_are_dated_by_the_clock():
    async with serving() as bench:
        workload = workload_of("succeed")
        bench.executor.submit(workload)
        await bench.executor.wait_idle()
    first, second = (datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=n) for n in (1, 2))
    assert bench.reports.reports == [
        TryStarted(workload=workload, start_date=first),
        TryEnded(workload=workload, outcome=TryOutcome.SUCCESS, start_date=first, end_date=second),
    ]


async def test_start_is_reported_with_what_templates_became():
    with DAG("d") as dag:
        task(task_id="t")(lambda text: text)("{{ run_id }}")
    async with serving(dag) as bench:
        bench.executor.submit(workload_of("t"))
        await bench.executor.wait_idle()
    start = bench.reports.reports[0]
    assert isinstance(start, TryStarted)
    assert start.rendered_fields == {"op_args": ["manual__1"]}


async def test_task_of_an_unknown_dag_fails_with_the_reason():
    async with serving() as bench:
        bench.executor.submit(workload_of("succeed", run=attrs.evolve(RUN, dag_id="other")))
        await bench.executor.wait_idle()
    [end] = bench.reports.ends
    assert end.outcome is TryOutcome.FAILED
    assert end.error.endswith("flowcore.errors.DagError: Dag 'other' is not registered; register it")


async def test_shutdown_gives_back_what_still_runs():
    async with serving() as bench:
        for number, name in enumerate(sorted(ENDLESS)):
            bench.executor.submit(workload_of(name, number))
        await anyio.wait_all_tasks_blocked()
        bench.scope.cancel()
    assert bench.reports.outcomes == dict.fromkeys(range(3), TryOutcome.GIVEN_BACK)


async def test_shutdown_gives_back_what_has_not_begun():
    async with serving() as bench:
        bench.executor.submit(workload_of("wait_for_ever"))
        bench.scope.cancel()
    assert bench.reports.outcomes == {1: TryOutcome.GIVEN_BACK}


async def test_function_that_goes_on_after_a_shutdown_is_left_to_its_lease():
    begun, may_end = threading.Event(), threading.Event()

    def hang():
        begun.set()
        may_end.wait(60)

    with DAG("d") as dag:
        task(hang)()
    async with serving(dag) as bench:
        bench.executor.submit(workload_of("hang"))
        await anyio.to_thread.run_sync(begun.wait, 60)
        bench.scope.cancel()
    may_end.set()
    assert bench.reports.ends == []
    assert bench.executor.statistics().abandoned == 1


async def test_function_waiting_for_a_thread_is_given_back_at_a_shutdown():
    begun, may_end = threading.Event(), threading.Event()

    def hang():
        begun.set()
        may_end.wait(60)

    with DAG("d") as dag:
        task(hang)()
    async with serving(dag, parallelism=1) as bench:
        bench.executor.submit(workload_of("hang", 1))
        await anyio.to_thread.run_sync(begun.wait, 60)
        bench.executor.submit(workload_of("hang", 2))
        await anyio.wait_all_tasks_blocked()
        bench.scope.cancel()
    may_end.set()
    assert bench.reports.outcomes == {2: TryOutcome.GIVEN_BACK}


async def test_cancelled_try_fails_and_its_siblings_go_on():
    async with serving() as bench:
        bench.executor.submit(workload_of("wait_for_ever", 1))
        bench.executor.submit(workload_of("wait_for_ever", 2))
        await anyio.wait_all_tasks_blocked()
        assert bench.executor.cancel(1, 1, "marked failed by a user")
        await anyio.wait_all_tasks_blocked()
        [end] = bench.reports.ends
        assert (end.workload.task_instance_id, end.error) == (1, "marked failed by a user")
        assert bench.executor.free_slots()[RunsIn.PROCESS] == 31


async def test_cancelling_what_is_not_here_says_so():
    async with serving() as bench:
        bench.executor.submit(workload_of("wait_for_ever"))
        assert not bench.executor.cancel(2, 1, "why")
        assert not bench.executor.cancel(1, 2, "an older or newer claim")


async def test_bad_try_does_not_end_its_siblings():
    async with serving() as bench:
        bench.executor.submit(workload_of("wait_for_ever", 1))
        for number, name in enumerate(["raise_base_exception", "raise_group", "exit_in_thread", "fail"], 2):
            bench.executor.submit(workload_of(name, number))
        await anyio.wait_all_tasks_blocked()
        assert bench.executor.cancel(1, 1, "still there")
        await bench.executor.wait_idle()
    assert bench.reports.outcomes == dict.fromkeys(range(1, 6), TryOutcome.FAILED)


async def test_slots_are_taken_by_tries_and_freed_by_their_ends():
    async with serving(parallelism=2) as bench:
        assert bench.executor.free_slots()[RunsIn.PROCESS] == 2
        bench.executor.submit(workload_of("wait_for_ever", 1))
        bench.executor.submit(workload_of("succeed", 2))
        assert bench.executor.free_slots()[RunsIn.PROCESS] == 0
        bench.executor.cancel(1, 1, "why")
        await bench.executor.wait_idle()
        assert bench.executor.free_slots()[RunsIn.PROCESS] == 2


async def test_functions_share_the_threads():
    together, peak = [], []

    def work():
        together.append(1)
        peak.append(len(together))
        together.pop()

    with DAG("d") as dag:
        task(work)()
    async with serving(dag, parallelism=1) as bench:
        for number in range(5):
            bench.executor.submit(workload_of("work", number))
        await bench.executor.wait_idle()
    assert peak == [1] * 5


@pytest.mark.parametrize("is_async", [True, False])
async def test_tries_do_not_change_each_others_context_variables(is_async):
    def work(ti):
        seen.append(CALLER.get())
        CALLER.set(ti.task_id)

    async def awaiting(ti):
        work(ti)

    seen = []
    with DAG("d") as dag:
        task(task_id="t")(awaiting if is_async else work)()
    async with serving(dag) as bench:
        for number in range(3):
            bench.executor.submit(workload_of("t", number))
        await bench.executor.wait_idle()
    assert seen == ["none"] * 3


@pytest.mark.parametrize("is_async", [True, False])
async def test_each_try_has_a_log_of_what_it_says(tmp_path, is_async):
    def say(ti):
        print(f"I am {ti.task_id}")

    async def asay(ti):
        await anyio.lowlevel.checkpoint()
        say(ti)

    with DAG("d") as dag:
        for name in "ab":
            task(task_id=name)(asay if is_async else say)()
    with capturing():
        async with open_log_files(tmp_path) as logs, serving(dag, logs=logs) as bench:
            for name in "ab":
                bench.executor.submit(workload_of(name, ord(name)))
            await bench.executor.wait_idle()
    for name in "ab":
        log = (tmp_path / log_path(workload_of(name))).read_text()
        assert f'"event": "I am {name}"' in log


async def test_submitting_to_an_executor_that_does_not_serve_is_refused():
    executor = executor_of(DAG_OF_ALL)
    with pytest.raises(UsageError, match="executor 'in-process' does not serve; submit after"):
        executor.submit(workload_of("succeed"))


async def test_idle_executor_does_not_wait():
    await executor_of(DAG_OF_ALL).wait_idle()


async def test_it_is_an_executor():
    executor: Executor = executor_of(DAG_OF_ALL)
    assert executor.name == "in-process"


@st.composite
def scripts(draw):
    """Tries to submit, and after each how often to yield and which try to cancel, if any."""
    names = draw(st.lists(st.sampled_from([function.__name__ for function in FUNCTIONS]), max_size=12))
    return [(name, draw(st.integers(0, 2)), draw(st.none() | st.integers(0, 11))) for name in names]


async def play(script):
    async with serving() as bench:
        for number, (name, yields, cancelled) in enumerate(script):
            bench.executor.submit(workload_of(name, number))
            for _ in range(yields):
                await anyio.lowlevel.checkpoint()
            if cancelled is not None:
                bench.executor.cancel(cancelled, 1, "cancelled")
    return bench


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@given(script=scripts(), order=st.random_module())
def test_every_submitted_try_ends_exactly_once(backend, script, order):
    bench = anyio.run(play, script, backend=backend)
    ended = sorted(end.workload.task_instance_id for end in bench.reports.ends)
    started = [report for report in bench.reports.reports if isinstance(report, TryStarted)]
    statistics = bench.executor.statistics()
    assert len(ended) == len(set(ended))
    assert len(started) == len({report.workload.task_instance_id for report in started})
    assert len(ended) + statistics.abandoned == len(script) == statistics.ended
    assert (statistics.running, statistics.threads) == (0, 0)

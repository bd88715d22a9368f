from __future__ import annotations

from contextlib import asynccontextmanager

import anyio
import attrs
import pytest

from flowcore.backends import Backend
from flowcore.clock import SystemClock
from flowcore.domain.dag_callbacks import DagCallback
from flowcore.domain.records import load_record
from flowcore.domain.try_settings import TrySettings
from flowcore.errors import DagError, DatabaseUnavailable
from flowcore.executors.child_making import ChildMaker
from flowcore.executors.child_stopping import Graces
from flowcore.executors.forked_callbacks import ForkedCallbacks
from flowcore.runner.answers import ImportAnswers
from flowcore.runner.processes.jobs import DAG_CALLBACKS
from flowcore.scheduler.callback_calls import CallLost
from tests.executors.fake_forks import babble, fake_forks, over, stay, vanish
from tests.executors.test_local import Catalogue, Sources
from tests.runner.tries import sources_of
from tests.scheduler.test_callback_calls import callback

GRACES = Graces(0.02, 0.02, 1.0, 1.0)


@attrs.define
class Logs:
    lines: list[str] = attrs.field(factory=list)

    def add(self, path, lines):
        assert str(path) == "dag_id=d/run_id=manual__1/callbacks.log"
        self.lines += lines

    async def room(self):
        await anyio.lowlevel.checkpoint()


@attrs.define
class Bench:
    caller: ForkedCallbacks
    forks: object
    logs: Logs

    async def call(self):
        with anyio.fail_after(30):
            return await self.caller.call(callback())


@asynccontextmanager
async def bench_of(behaviour, sources=None, limit_s=20.0):
    answers = sources_of()
    async with fake_forks(behaviour) as forks:
        children = ChildMaker(
            forks=forks,
            sources=sources or Sources(),
            imports=ImportAnswers(answers.secrets),
            settings=TrySettings(),
            graces=GRACES,
        )
        logs = Logs()
        caller = ForkedCallbacks(
            Catalogue(),
            children,
            answers,
            clock=SystemClock(),
            backend=Backend.TRIO,
            logs=logs,
            limit_s=limit_s,
        )
        yield Bench(caller, forks, logs)


async def test_child_says_how_it_went_and_its_lines_are_kept():
    async with bench_of(over) as bench:
        assert await bench.call() == "one of them raised"
    [fake] = bench.forks.forked
    assert (fake.job, fake.payload["backend"]) == (DAG_CALLBACKS, "trio")
    assert load_record(DagCallback, fake.payload["callback"]) == callback()
    assert bench.logs.lines == ['{"event": "said"}']


@pytest.mark.parametrize(
    ("behaviour", "problem"),
    [
        (vanish, "ended with exit status 0 before they had; let them return or raise"),
        (babble, "broke the protocol of its comms socket"),
    ],
)
async def test_child_that_breaks_off_is_a_problem_that_is_logged(behaviour, problem):
    async with bench_of(behaviour) as bench:
        assert problem in await bench.call()
    assert problem in bench.logs.lines[-1]


async def test_child_that_hangs_is_killed():
    async with bench_of(stay, limit_s=0.0) as bench:
        assert "did not come to an end, and were killed" in await bench.call()


async def test_child_that_dies_with_its_fork_server_is_called_again():
    async with bench_of(stay) as bench, anyio.create_task_group() as nursery:

        async def die():
            await bench.forks.wait_forked(1)
            bench.forks.die()

        nursery.start_soon(die)
        with pytest.raises(CallLost):
            await bench.call()


async def test_file_that_cannot_be_had_is_a_problem_that_is_logged():
    async with bench_of(over, Sources(DagError("no such version"))) as bench:
        assert await bench.call() == "no such version"
    assert "no such version" in bench.logs.lines[-1]


async def test_database_that_is_away_is_no_problem_of_the_callbacks():
    async with bench_of(over, Sources(DatabaseUnavailable("away"))) as bench:
        with pytest.raises(DatabaseUnavailable):
            await bench.call()


async def test_call_that_is_cut_off_leaves_no_child():
    async with bench_of(stay) as bench, anyio.create_task_group() as nursery:
        nursery.start_soon(bench.call)
        await bench.forks.wait_forked(1)
        await anyio.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert bench.forks.forked[0].child.status is not None

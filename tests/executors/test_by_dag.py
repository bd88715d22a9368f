from __future__ import annotations

from contextlib import asynccontextmanager

import anyio
import attrs

from flowcore.abc import Executor
from flowcore.domain.workloads import RunsIn, TryOutcome
from flowcore.executors.by_dag import ByDag, CallbacksByDag
from tests.runner.tries import RUN, Reports, workload_of
from tests.scheduler.test_callback_calls import callback
from tests.support.held_executor import HeldExecutor

OTHER_RUN = attrs.evolve(RUN, dag_id="mine")


@asynccontextmanager
async def both():
    elsewhere, here, reports = HeldExecutor("local"), HeldExecutor("in-process"), Reports()
    executor: Executor = ByDag(elsewhere, here, lambda dag_id: dag_id == "mine")
    async with anyio.create_task_group() as nursery:
        await nursery.start(executor.serve, reports)
        yield executor, elsewhere, here, reports
        nursery.cancel_scope.cancel()


async def test_tries_go_where_their_dag_is():
    async with both() as (executor, elsewhere, here, _):
        executor.submit(workload_of("a", 1))
        executor.submit(workload_of("a", 2, run=OTHER_RUN))
        assert [work.task_instance_id for work in elsewhere.running] == [1]
        assert [work.task_instance_id for work in here.running] == [2]


async def test_it_is_idle_when_both_are():
    async with both() as (executor, elsewhere, here, _):
        executor.submit(workload_of("a", 2, run=OTHER_RUN))
        elsewhere.end_all()
        with anyio.move_on_after(0) as scope:
            await executor.wait_idle()
        assert scope.cancelled_caught
        here.end_all()
        await executor.wait_idle()


async def test_shutdown_ends_both():
    async with both() as (executor, _, _, reports):
        executor.submit(workload_of("a", 1))
        executor.submit(workload_of("a", 2, run=OTHER_RUN))
    assert reports.outcomes == dict.fromkeys((1, 2), TryOutcome.GIVEN_BACK)


async def test_it_goes_by_the_name_of_the_one_for_files():
    async with both() as (executor, *_):
        assert (executor.name, executor.has_dag("any")) == ("local", True)
        assert executor.free_slots()[RunsIn.PROCESS] == 1_000
        assert not executor.cancel(1, 1, "why")


@attrs.define
class Names:
    """Calls nobody: says who was to call."""

    name: str

    def has_dag(self, dag_id):
        return dag_id == self.name

    async def call(self, callback):
        return self.name


async def test_callbacks_are_called_where_their_dag_is():
    caller = CallbacksByDag(Names("d"), Names("mine"), lambda dag_id: dag_id == "mine")
    assert [caller.has_dag(dag_id) for dag_id in ("d", "mine", "other")] == [True, True, False]
    assert await caller.call(callback()) == "d"
    assert await caller.call(attrs.evolve(callback(), run=OTHER_RUN)) == "mine"

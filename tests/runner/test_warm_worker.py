from __future__ import annotations

from contextlib import asynccontextmanager

import pytest

from flowcore.backends import Backend
from flowcore.domain.workloads import TryOutcome
from flowcore.runner.jobs import WARM_WORKER
from tests.runner.children import fork_server
from tests.runner.supervised import dag_of, supervising
from tests.runner.tries import workload_of

pytestmark = pytest.mark.slow

SUCCESS, FAILED, GIVEN_BACK = TryOutcome.SUCCESS, TryOutcome.FAILED, TryOutcome.GIVEN_BACK


@pytest.fixture(scope="module")
async def server(anyio_backend):
    async with fork_server() as server:
        yield server


@pytest.fixture(params=list(Backend))
def loop(request):
    """The event loop of the worker, whatever that of the test is."""
    return request.param


@asynccontextmanager
async def warm_worker(server, source, *, loop=Backend.ASYNCIO, **options):
    child = await server.fork(WARM_WORKER, {"backend": loop, "settings": {}})
    async with supervising(child, sources={1: source}, **options) as supervisor:
        yield supervisor


async def test_tries_run_side_by_side_and_report_each_for_itself(server, loop):
    source = dag_of("async def t(ti): return [await Variable.aget('a'), await ti.axcom_pull('up')]")
    xcoms = {("up", -1, "return_value"): 2}
    async with warm_worker(server, source, loop=loop, variables={"a": "1"}, xcoms=xcoms) as worker:
        for ref in range(20):
            worker.run(workload_of("t", ref), source, ref)
        for ref in range(20):
            await worker.begun(ref)
            assert (await worker.over(ref)).xcoms == {"return_value": '["1", 2]'}
        assert worker.reads == 1


async def test_tries_wait_for_each_other_on_one_loop(server, loop):
    source = dag_of(
        "event = []\nasync def t(ti):\n event.append(1)\n while len(event) < 3: await anyio.sleep(0.001)"
    )
    async with warm_worker(server, source, loop=loop) as worker:
        for ref in range(3):
            worker.run(workload_of("t", ref), source, ref)
        for ref in range(3):
            assert (await worker.over(ref)).outcome is SUCCESS

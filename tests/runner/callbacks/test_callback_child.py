from __future__ import annotations

import pytest

from flowcore.domain.records import dump_record
from flowcore.runner.processes.children import ExitStatus
from flowcore.runner.processes.jobs import CALLBACKS
from flowcore.runner.processes.owner import open_fork_server
from flowcore.sdk.comms.messages import CallbacksBegun
from tests.runner.supervised import source_of, supervising
from tests.runner.tries import workload_of

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
async def server(anyio_backend):
    async with open_fork_server() as server:
        yield server


@pytest.mark.parametrize("kind", ["def", "async def"])
async def test_callbacks_are_told_how_the_process_died(server, kind):
    source = source_of(f"""
        {kind} tell(context):
            print(context["ti"].state, repr(context["exception"]), context["var"]["value"].get("team"))
        with DAG("d") as dag:
            @task(on_retry_callback=tell, on_failure_callback=lambda context: print("failed"))
            def t(): raise AssertionError("the task does not run again")
            t()
    """)
    payload = {"workload": dump_record(workload_of("t")), "settings": {}, "error": "no memory"}
    child = await (await server.dag_server(source)).fork(CALLBACKS, payload)
    async with supervising(child, variables={"team": "us"}) as supervisor:
        await supervisor.next(CallbacksBegun)
        assert await child.wait() == ExitStatus(code=0)
        await supervisor.wait_over()
    assert supervisor.events() == ["up_for_retry TryDied('no memory') us"]

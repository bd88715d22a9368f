from __future__ import annotations

import pytest

from flowcore.domain.records import dump_record
from flowcore.runner.processes.children import ExitStatus
from flowcore.runner.processes.jobs import DAG_CALLBACKS
from flowcore.runner.processes.owner import open_fork_server
from flowcore.sdk.comms.messages import CallbacksOver
from tests.runner.supervised import source_of, supervising
from tests.scheduler.test_callback_calls import callback

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
async def server(anyio_backend):
    async with open_fork_server() as server:
        yield server


@pytest.mark.parametrize("kind", ["def", "async def"])
async def test_callbacks_are_called_in_a_process_that_says_how_it_went(server, kind):
    source = source_of(f"""
        {kind} tell(context):
            print(context["reason"], context["dag"].dag_id, context["var"]["value"].get("team"))
        def breaks(context): raise ValueError("no mail")
        dag = DAG("d", on_success_callback=[tell, breaks])
    """)
    payload = {"callback": dump_record(callback()), "backend": "asyncio", "settings": {}}
    child = await (await server.dag_server(source)).fork(DAG_CALLBACKS, payload)
    async with supervising(child, variables={"team": "us"}) as supervisor:
        assert (await supervisor.next(CallbacksOver)).error == "breaks raised ValueError: no mail"
        assert await child.wait() == ExitStatus(code=0)
    assert supervisor.events()[0] == "success d us"

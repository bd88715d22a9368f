from __future__ import annotations

import os
import signal

import anyio
import pytest

from flowcore.domain.connections import Connection
from flowcore.domain.dag_sources import DagSource
from flowcore.errors import DagError, DatabaseUnavailable, VariableNotFound
from flowcore.runner.processes.children import LOST
from flowcore.runner.processes.owner import open_fork_server
from flowcore.sdk.comms.messages import ConnectionFound, GetConnection, GetVariable, VariableFound
from flowcore.secrets.masking import PROCESS
from tests.runner.children import (
    descendants,
    is_alive,
    job,
    parent_of,
    said,
    said_json,
    wait_gone,
    wait_until,
)

pytestmark = pytest.mark.slow


def source_of(text, path="/dags/file.py"):
    return DagSource.of("from flowcore.sdk import DAG\n" + text, path=path, folder="/dags")


def dag_called(dag_id):
    return source_of(f"dag = DAG({dag_id!r})")


async def dags_of_a_child(server, source):
    """The ids of the Dags that a child has, and the process that it was forked from."""
    dag_server = await server.dag_server(source)
    async with await dag_server.fork(job("dag_ids"), {}) as child:
        return await said_json(child)


async def test_children_have_the_dags_of_their_source():
    async with open_fork_server() as server:
        assert (await dags_of_a_child(server, dag_called("a")))[0] == ["a"]
        assert (await dags_of_a_child(server, dag_called("b")))[0] == ["b"]


async def test_source_is_imported_once_for_many_children():
    async with open_fork_server() as server:
        parents = {(await dags_of_a_child(server, dag_called("a")))[1] for _ in range(3)}
    assert len(parents) == 1


async def test_those_who_ask_at_the_same_time_share_one_server():
    before = descendants()
    async with open_fork_server() as server:
        async with anyio.create_task_group() as nursery:
            for _ in range(5):
                nursery.start_soon(server.dag_server, dag_called("a"))
        assert len(descendants() - before) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 / 0", "/dags/file.py:2: ZeroDivisionError"),
        ("import os; os._exit(4)", "ended with exit status 4"),
        ("import os; os.closerange(3, 256); os.kill(os.getpid(), 11)", "ended with signal SIGSEGV"),
        ("raise KeyboardInterrupt", "ended with exit status 1"),
        ("import os; os.kill(os.getpid(), 9)", "was killed again and again"),
    ],
)
async def test_file_that_cannot_be_imported_is_the_authors_fault(text, message):
    async with open_fork_server() as server:
        for _ in range(2):
            with pytest.raises(DagError, match=message):
                await server.dag_server(source_of(text))


async def answer(request):
    match request:
        case GetVariable("customers"):
            return VariableFound('["a", "b"]')
        case GetVariable("lost"):
            raise DatabaseUnavailable("the database does not answer")
        case GetVariable(key):
            raise VariableNotFound(key, ("the test",))
        case GetConnection(conn_id):
            return ConnectionFound(Connection(conn_id=conn_id, conn_type="http", host="c"))


@pytest.fixture(scope="module")
async def answering(anyio_backend):
    async with open_fork_server(answer=answer) as server:
        yield server


LOOKUPS = """
import threading
from flowcore.sdk import Connection, Variable
def look_up():
    global dags
    dags = [DAG(name) for name in Variable.get("customers", deserialize_json=True)]
    dags.append(DAG(Connection.get("any").host))
{call}
a, b, c = dags
"""


@pytest.mark.parametrize(
    "call", ["look_up()", "thread = threading.Thread(target=look_up); thread.start(); thread.join()"]
)
async def test_file_looks_variables_and_connections_up(call, answering):
    assert (await dags_of_a_child(answering, source_of(LOOKUPS.format(call=call))))[0] == ["a", "b", "c"]


async def test_what_a_file_masks_while_it_is_imported_is_masked_here(answering):
    text = "from flowcore.sdk.log import mask_secret\nmask_secret('learnt while importing')\ndag = DAG('a')"
    await answering.dag_server(source_of(text))
    assert PROCESS.mask("it was learnt while importing") == "it was ***"


@pytest.mark.parametrize(
    ("key", "error", "message"),
    [
        ("lost", DatabaseUnavailable, "^the database does not answer$"),
        ("absent", DagError, "file.py:3: VariableNotFound: there is no variable 'absent'"),
    ],
)
async def test_lookup_that_fails_says_whose_fault_it_is(key, error, message, answering):
    with pytest.raises(error, match=message):
        await answering.dag_server(source_of(f"from flowcore.sdk import Variable\nVariable.get({key!r})"))


async def test_file_that_writes_to_its_socket_is_told_off(answering):
    nonsense = (
        "import os, socket\nfor fd in range(3, 20):\n try: os.write(fd, b'x' * 100)\n except OSError: pass"
    )
    with pytest.raises(DagError, match="broke the protocol of its socket: it "):
        await answering.dag_server(source_of(nonsense))
    assert (await dags_of_a_child(answering, dag_called("a")))[0] == ["a"]


async def test_import_that_somebody_kills_is_begun_again(tmp_path):
    source = source_of(f"""
import os, pathlib
if not pathlib.Path({str(tmp_path)!r}, "begun").exists():
    pathlib.Path({str(tmp_path)!r}, "begun").touch()
    os.kill(os.getpid(), 9)
dag = DAG("a")
""")
    async with open_fork_server() as server:
        assert (await dags_of_a_child(server, source))[0] == ["a"]


async def test_file_that_hangs_is_ended_at_its_deadline():
    before = descendants()
    async with open_fork_server(import_timeout_s=1.0) as server:
        with pytest.raises(DagError, match=r"took longer than 1 s to import"):
            await server.dag_server(source_of("import time; time.sleep(1000)"))
        await wait_until(lambda: len(descendants() - before) == 1)


async def test_least_recently_used_server_makes_room():
    before = descendants()
    async with open_fork_server(dag_servers=2) as server:
        parents = {dag_id: (await dags_of_a_child(server, dag_called(dag_id)))[1] for dag_id in "abac"}
        await wait_gone(parents["b"])
        assert len(descendants() - before) == 3
        assert (await dags_of_a_child(server, dag_called("a")))[1] == parents["a"]


async def test_server_that_makes_room_ends_with_its_last_child():
    async with open_fork_server(dag_servers=1) as server:
        dag_server = await server.dag_server(dag_called("a"))
        async with await dag_server.fork(job("hang"), {}) as child:
            await said(child)
            old = parent_of(child.pid)
            await server.dag_server(dag_called("b"))
            assert is_alive(old)
        await wait_gone(old)
        async with await dag_server.fork(job("dag_ids"), {}) as child:
            assert (await said_json(child))[0] == ["a"]


async def test_forgotten_files_are_imported_anew():
    async with open_fork_server() as server:
        _, old = await dags_of_a_child(server, dag_called("a"))
        server.forget_dags()
        await wait_gone(old)
        assert (await dags_of_a_child(server, dag_called("a")))[0] == ["a"]


async def test_server_that_dies_is_replaced_and_leaves_nothing():
    async with open_fork_server() as server:
        dag_server = await server.dag_server(dag_called("a"))
        async with await dag_server.fork(job("leave_a_daemon"), {"then_wait_s": 1000}) as child:
            daemon = int(await said(child))
            os.kill(parent_of(child.pid), signal.SIGKILL)
            assert await child.wait() == LOST
            await wait_gone(child.pid)
            await wait_gone(daemon)
        assert (await dags_of_a_child(server, dag_called("a")))[0] == ["a"]


async def test_death_of_the_fork_server_is_that_of_its_dag_servers():
    before = descendants()
    async with open_fork_server() as server:
        [root] = descendants() - before
        dag_server = await server.dag_server(dag_called("a"))
        async with await dag_server.fork(job("leave_a_daemon"), {"then_wait_s": 1000}) as child:
            daemon = int(await said(child))
            os.kill(root, signal.SIGKILL)
            assert await child.wait() == LOST
            await wait_gone(child.pid)
            await wait_gone(daemon)
        assert (await dags_of_a_child(server, dag_called("a")))[0] == ["a"]


async def test_file_that_forks_makes_no_second_server():
    before = descendants()
    async with open_fork_server() as server:
        source = source_of("import os\nos.fork()\ndag = DAG('a')")
        for _ in range(5):
            assert (await dags_of_a_child(server, source))[0] == ["a"]
        await wait_until(lambda: len(descendants() - before) == 2)


async def test_what_an_import_started_lives_as_long_as_its_server():
    text = "import subprocess\nstarted = subprocess.Popen(['sleep', '1000'])\ndag = DAG(f'pid{started.pid}')"
    async with open_fork_server() as server:
        pids = set()
        for _ in range(2):
            [dag_id], _ = await dags_of_a_child(server, source_of(text))
            pids.add(int(dag_id.removeprefix("pid")))
        [pid] = pids
        assert is_alive(pid)
        server.forget_dags()
        await wait_gone(pid)

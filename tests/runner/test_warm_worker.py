from __future__ import annotations

import signal
import socket
from contextlib import asynccontextmanager

import anyio
import attrs
import pytest

from flowcore.backends import Backend
from flowcore.domain.workloads import TryOutcome
from flowcore.runner.processes.children import ExitStatus
from flowcore.runner.processes.jobs import WARM_WORKER
from flowcore.runner.processes.owner import open_fork_server
from flowcore.sdk.comms.messages import CancelTry, LoopBlocked, Ping, Pong, TryOver
from tests.runner.supervised import dag_of, source_of, supervising
from tests.runner.tries import RUN, workload_of

pytestmark = pytest.mark.slow

SUCCESS, FAILED, GIVEN_BACK = TryOutcome.SUCCESS, TryOutcome.FAILED, TryOutcome.GIVEN_BACK


@pytest.fixture(scope="module")
async def server(anyio_backend):
    async with open_fork_server() as server:
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


WAIT = "async def t():\n try:\n  print('begun')\n  await anyio.sleep_forever()\n finally: print('finally')"


async def test_cancelled_try_fails_with_the_reason_and_others_go_on(server, loop):
    source = dag_of(WAIT)
    async with warm_worker(server, source, loop=loop) as worker:
        for ref in (1, 2):
            worker.run(workload_of("t", ref), source, ref)
            await worker.said("begun", ref)
        worker.channel.order(CancelTry("marked failed"), 1)
        over = await worker.over(1)
        assert (over.outcome, over.error) == (FAILED, "marked failed")
        assert (worker.events(1), worker.events(2)) == (["begun", "finally"], ["begun"])


async def test_try_that_is_cancelled_at_once_never_begins(server, loop):
    source = dag_of(WAIT)
    async with warm_worker(server, source, loop=loop) as worker:
        worker.run(workload_of("t"), source, 1)
        worker.channel.order(CancelTry("too late"), 1)
        worker.channel.order(CancelTry("nobody"), 2)
        assert (await worker.over(1)).error == "too late"
        assert worker.events(1) == []


async def test_time_limit_is_each_trys_own(server, loop):
    source = dag_of(WAIT)
    async with warm_worker(server, source, loop=loop) as worker:
        worker.run(workload_of("t", 1), source, 1)
        worker.run(workload_of("t", 2, timeout_s=0.02), source, 2)
        assert (await worker.over(2)).error == "the try exceeded its execution_timeout of 0.02 s"


async def test_sigterm_gives_all_tries_back(server, loop):
    source = dag_of(WAIT)
    async with warm_worker(server, source, loop=loop) as worker:
        for ref in range(3):
            worker.run(workload_of("t", ref), source, ref)
            await worker.said("begun", ref)
        worker.child.terminate()
        for ref in range(3):
            assert (await worker.over(ref)).outcome is GIVEN_BACK
            assert worker.events(ref) == ["begun", "finally"]
        assert await worker.child.wait() == ExitStatus(code=0)


async def test_worker_without_a_supervisor_ends(server, loop):
    source = dag_of(WAIT)
    async with warm_worker(server, source, loop=loop) as worker:
        worker.run(workload_of("t"), source, 1)
        await worker.said("begun", 1)
        worker.child.comms.shutdown(socket.SHUT_RDWR)
        with anyio.fail_after(30):
            await worker.child.wait()


@pytest.mark.parametrize(
    "statement",
    ["raise ValueError('bug')", "sys.exit(1)", "raise KeyboardInterrupt", "raise GeneratorExit"],
)
async def test_what_one_try_raises_is_no_business_of_the_others(server, loop, statement):
    source = dag_of(f"async def t(ti):\n if ti.map_index == 1: {statement}\n return await Variable.aget('a')")
    async with warm_worker(server, source, loop=loop, variables={"a": "1"}) as worker:
        for ref in range(3):
            worker.run(attrs.evolve(workload_of("t", ref), map_index=ref), source, ref)
        outcomes = [(await worker.over(ref)).outcome for ref in range(3)]
        assert outcomes == [SUCCESS, FAILED, SUCCESS]


async def test_what_tries_say_is_told_apart(server, loop):
    source = dag_of("""
        import logging, threading
        def in_thread(number):
            print(f"thread of {number}")
        async def t(ti):
            number = ti.map_index
            print(f"{number} be", end="")
            await anyio.sleep(0.01)
            print("gins")
            logging.warning("%d logs", number)
            await anyio.to_thread.run_sync(in_thread, number)
            thread = threading.Thread(target=in_thread, args=[number])
            thread.start()
            await anyio.to_thread.run_sync(thread.join)
    """)
    async with warm_worker(server, source, loop=loop) as worker:
        for ref in range(5):
            worker.run(attrs.evolve(workload_of("t", ref), map_index=ref), source, ref)
        for ref in range(5):
            await worker.over(ref)
            expected = [f"{ref} begins", f"{ref} logs", f"thread of {ref}", f"thread of {ref}"]
            assert worker.events(ref) == expected


async def test_function_that_gets_here_runs_in_a_thread(server, loop):
    source = dag_of("import threading\ndef t(): return threading.current_thread() is threading.main_thread()")
    async with warm_worker(server, source, loop=loop) as worker:
        worker.run(workload_of("t"), source, 1)
        assert (await worker.over(1)).xcoms == {"return_value": "false"}


async def test_sleeping_tries_are_cheap(server, loop):
    source = dag_of("async def t(): await anyio.sleep_forever()")
    async with warm_worker(server, source, loop=loop) as worker:
        sizes = {}
        for first in range(0, 1500, 100):
            for ref in range(first, first + 100):
                worker.run(workload_of("t", ref), source, ref)
            for ref in range(first, first + 100):
                await worker.begun(ref)
            worker.channel.order(Ping(first))
            sizes[first + 100] = (await worker.next(Pong)).memory
        assert sizes[1000] < 150_000_000
        assert (sizes[1500] - sizes[1000]) / 500 < 100_000
        worker.child.terminate()
        await worker.wait_over()
        # A busy machine may have kept the loop waiting, and the worker tells.
        told = [notice for notice, _ in worker.notices if not isinstance(notice, LoopBlocked)]
        assert told == [TryOver(GIVEN_BACK)] * 1500


# ---- Dag files


async def test_file_that_cannot_be_imported_fails_its_tries_only(server, loop):
    bad, good = source_of("1 / 0", "/dags/bad.py"), dag_of("async def t(): return 1")
    async with warm_worker(server, bad, loop=loop) as worker:
        worker.sources = {1: bad, 2: good}
        worker.run(workload_of("t", 1), bad, 1)
        worker.run(attrs.evolve(workload_of("t", 2), run=attrs.evolve(RUN, dag_version_id=2)), good, 2)
        over = await worker.over(1)
        assert (over.outcome, "/dags/bad.py:3: ZeroDivisionError" in over.error) == (FAILED, True)
        assert (await worker.over(2)).outcome is SUCCESS


async def test_import_that_takes_long_holds_up_its_own_tries_only(server, loop, tmp_path):
    gate = tmp_path / "gate"
    slow = dag_of(f"while not os.path.exists({str(gate)!r}): time.sleep(0.01)\nasync def t(): return 1")
    quick = dag_of("async def t(): return 2", "/dags/quick.py")
    async with warm_worker(server, slow, loop=loop) as worker:
        worker.sources = {1: slow, 2: quick}
        at_home = attrs.evolve(workload_of("t", 2), run=attrs.evolve(RUN, dag_version_id=2))
        worker.run(at_home, quick, 2)
        await worker.over(2)
        worker.run(workload_of("t", 1), slow, 1)
        worker.run(at_home, quick, 3)
        await worker.over(3)
        gate.touch()
        assert (await worker.over(1)).outcome is SUCCESS


async def test_two_versions_of_a_file_run_side_by_side(server, loop):
    old, new = dag_of("async def t(): return 'old'"), dag_of("async def t(): return 'new'")
    async with warm_worker(server, old, loop=loop) as worker:
        worker.sources = {1: old, 2: new}
        worker.run(workload_of("t", 1), old, 1)
        worker.run(attrs.evolve(workload_of("t", 2), run=attrs.evolve(RUN, dag_version_id=2)), new, 2)
        results = [(await worker.over(ref)).xcoms["return_value"] for ref in (1, 2)]
        assert results == ['"old"', '"new"']


# ---- a worker that is not well


async def test_ping_is_answered_with_what_the_worker_is_like(server, loop):
    source = dag_of(WAIT)
    async with warm_worker(server, source, loop=loop) as worker:
        worker.run(workload_of("t"), source, 1)
        await worker.said("begun", 1)
        worker.channel.order(Ping(7))
        pong = await worker.next(Pong)
        assert (pong.number, pong.tries) == (7, 1)
        assert 5_000_000 < pong.memory < 150_000_000


BLOCKERS = {
    "the coroutine": """
        async def t(ti):
            if ti.map_index == 1: time.sleep(1000)  # here
            await anyio.sleep(1000)
    """,
    "a child task of it": """
        async def block(): time.sleep(1000)  # here
        async def t(ti):
            if ti.map_index == 1:
                async with anyio.create_task_group() as nursery: nursery.start_soon(block)
            await anyio.sleep(1000)
    """,
    "code in C": """
        import hashlib
        async def t(ti):
            if ti.map_index == 1:
                hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)  # here
            await anyio.sleep(1000)
    """,
}


@pytest.mark.parametrize("how", BLOCKERS)
async def test_try_that_blocks_the_loop_is_named(server, loop, how):
    source = dag_of(BLOCKERS[how])
    async with warm_worker(server, source, loop=loop) as worker:
        for ref in (0, 2, 1):
            worker.run(attrs.evolve(workload_of("t", ref), map_index=ref), source, ref)
        blocked = await worker.blocked(1)
        assert "# here" in blocked.where
        worker.channel.order(Ping(1))
        worker.child.kill()
        assert await worker.child.wait() == ExitStatus(signal=signal.SIGKILL)
        assert not [notice for notice, _ in worker.notices if isinstance(notice, Pong)]


async def test_try_that_swallows_its_cancellation_leaves_the_others_alone(server, loop):
    source = dag_of("""
        async def t(ti):
            print("begun")
            while ti.map_index == 1:
                try: await anyio.sleep(1000)
                except BaseException: await anyio.lowlevel.cancel_shielded_checkpoint()
            return await Variable.aget("a")
    """)
    async with warm_worker(server, source, loop=loop, variables={"a": "1"}) as worker:
        worker.run(attrs.evolve(workload_of("t", 1), map_index=1), source, 1)
        await worker.said("begun", 1)
        worker.channel.order(CancelTry("enough"), 1)
        worker.run(workload_of("t", 2), source, 2)
        assert (await worker.over(2)).outcome is SUCCESS


@pytest.mark.parametrize("statement", ["os._exit(0)", "os.kill(os.getpid(), 9)", "os.closerange(3, 256)"])
async def test_worker_that_a_try_ends_reports_nothing_more(server, loop, statement):
    source = dag_of(f"async def t(ti):\n if ti.map_index == 1: {statement}\n await anyio.sleep(1000)")
    async with warm_worker(server, source, loop=loop) as worker:
        worker.run(workload_of("t", 2), source, 2)
        await worker.begun(2)
        worker.run(attrs.evolve(workload_of("t", 1), map_index=1), source, 1)
        with anyio.fail_after(30):
            await worker.child.wait()
        assert not [notice for notice, _ in worker.notices if isinstance(notice, TryOver)]


@pytest.mark.parametrize("name", ["customer", "lost"])
async def test_file_looks_variables_up_where_the_worker_imports_it(server, loop, name):
    source = dag_of(f"CUSTOMER = Variable.get({name!r})\nasync def t(): return CUSTOMER")
    async with warm_worker(server, source, loop=loop, variables={"customer": "a"}) as worker:
        worker.run(workload_of("t"), source, 1)
        over = await worker.over(1)
    expected = {"customer": (SUCCESS, '"a"'), "lost": (GIVEN_BACK, None)}
    assert (over.outcome, over.xcoms.get("return_value")) == expected[name]

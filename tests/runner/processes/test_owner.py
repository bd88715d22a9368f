from __future__ import annotations

import os
import signal
import sys

import anyio
import pytest

from flowcore.errors import UsageError
from flowcore.runner.processes.children import LOST, ExitStatus
from flowcore.runner.processes.connections import ForkFailed, ForkServerGone
from flowcore.runner.processes.owner import open_fork_server
from tests.runner.children import (
    all_said,
    descendants,
    is_alive,
    job,
    oom_score,
    parent_of,
    printed,
    said,
    said_json,
    wait_gone,
    wait_until,
)

pytestmark = pytest.mark.slow


async def test_child_is_given_its_payload_and_says_what_it_likes():
    async with open_fork_server() as server, await server.fork(job("echo"), {"a": [1, "é"]}) as child:
        assert await said_json(child) == {"a": [1, "é"]}
        assert await child.wait() == ExitStatus(code=0)


async def test_what_a_child_prints_arrives_in_two_pipes():
    async with open_fork_server() as server, await server.fork(job("print_and_end"), {}) as child:
        assert (await printed(child.stdout), await printed(child.stderr)) == ("out", "err")


async def test_what_a_job_raises_is_on_its_standard_error():
    async with open_fork_server() as server, await server.fork(job("fail"), {}) as child:
        assert (await printed(child.stderr)).endswith("ValueError: the job is wrong\n")
        assert await child.wait() == ExitStatus(code=1)


@pytest.mark.parametrize(
    ("name", "payload", "status"),
    [
        ("end", {"status": 0}, ExitStatus(code=0)),
        ("end", {"status": 3}, ExitStatus(code=3)),
        ("crash", {}, ExitStatus(signal=signal.SIGSEGV)),
    ],
)
async def test_end_of_a_child_is_told_as_it_was(name, payload, status):
    async with open_fork_server() as server, await server.fork(job(name), payload) as child:
        assert await child.wait() == status


@pytest.mark.parametrize(("send", "number"), [("interrupt", signal.SIGINT), ("terminate", signal.SIGTERM)])
async def test_signals_arrive(send, number):
    async with open_fork_server() as server, await server.fork(job("say_signals"), {}) as child:
        assert await said(child) == "ready"
        getattr(child, send)()
        assert await said(child) == str(int(number))


async def test_signal_sent_right_after_the_fork_is_not_lost():
    async with open_fork_server() as server:
        for _ in range(20):
            async with await server.fork(job("hang"), {}) as child:
                child.terminate()
                assert await child.wait() == ExitStatus(signal=signal.SIGTERM)


async def test_kill_ends_the_whole_process_group():
    async with open_fork_server() as server, await server.fork(job("leave_a_command"), {}) as child:
        command = int(await said(child))
        child.kill()
        await child.wait()
        await wait_gone(command)


async def test_leaving_a_childs_block_kills_it():
    async with open_fork_server() as server:
        async with await server.fork(job("hang"), {}) as child:
            pid = int(await said(child))
        assert not is_alive(pid)
        assert child.status == ExitStatus(signal=signal.SIGKILL)


async def test_daemon_that_a_child_leaves_behind_dies_with_it():
    async with (
        open_fork_server() as server,
        await server.fork(job("leave_a_daemon"), {"then_wait_s": 0}) as child,
    ):
        daemon = int(await said(child))
        assert await child.wait() == ExitStatus(code=0)
        await wait_gone(daemon)


async def test_daemon_belongs_to_the_child_while_this_runs():
    async with open_fork_server() as server:
        async with await server.fork(job("leave_a_daemon"), {"then_wait_s": 1000}) as child:
            daemon = int(await said(child))
            # The end of another child makes the server look for what was left behind.
            async with await server.fork(job("echo"), {}) as other:
                await other.wait()
            async with await server.fork(job("echo"), {}) as other:
                await other.wait()
            assert is_alive(daemon)
            assert parent_of(daemon) == child.pid
        await wait_gone(daemon)


async def test_child_has_nothing_open_but_its_own():
    async with open_fork_server() as server, await server.fork(job("open_files"), {}) as child:
        found = dict(await said_json(child))
    # One more descriptor is that of the listing itself, and closed by now.
    comms = found.popitem()[1]
    assert comms.startswith("socket:")
    assert found.pop(0) == "/dev/null"
    assert [name.partition(":")[0] for name in found.values()] == ["pipe", "pipe"]


async def test_child_that_closes_everything_is_still_waited_for():
    async with open_fork_server() as server, await server.fork(job("close_everything"), {}) as child:
        assert await all_said(child) == ""
        child.kill()
        assert await child.wait() == ExitStatus(signal=signal.SIGKILL)


async def test_children_draw_different_numbers():
    drawn = set()
    async with open_fork_server() as server:
        for _ in range(3):
            async with await server.fork(job("draw"), {}) as child:
                drawn.add(await all_said(child))
    assert len(drawn) == 3


async def test_settings_of_the_scheduler_are_not_in_the_environment(monkeypatch):
    monkeypatch.setenv("FLOWCORE_DATABASE_URL", "postgresql://secret")
    monkeypatch.setenv("FLOWCORE_VAR_COLOUR", "green")
    async with open_fork_server() as server, await server.fork(job("surroundings"), {}) as child:
        found = (await said_json(child))["environment"]
    assert "FLOWCORE_DATABASE_URL" not in found
    assert (found["FLOWCORE_VAR_COLOUR"], found["PATH"]) == ("green", os.environ["PATH"])


async def test_child_imports_what_can_be_imported_here(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "only_here.py").write_text("def speak(job): job.comms.sendall(b'heard')")
    async with open_fork_server() as server, await server.fork("only_here:speak", {}) as child:
        assert await all_said(child) == "heard"


async def test_child_stands_on_its_own():
    async with open_fork_server() as server, await server.fork(job("surroundings"), {}) as child:
        found = await said_json(child)
    assert (found["arguments"], found["blocked"], found["group"], found["input"]) == ([], [], True, "")
    assert found["oom_score"] > oom_score()


@pytest.mark.parametrize("name", ["tests.runner.jobs:none", "no_module:x", "nonsense"])
async def test_unknown_job_is_refused_and_harms_nothing(name):
    async with open_fork_server() as server:
        with pytest.raises(ForkFailed, match="name a function as `module:function`"):
            await server.fork(name, {})
        async with await server.fork(job("echo"), {}) as child:
            assert await said_json(child) == {}


async def test_payload_that_is_no_json_is_refused():
    async with open_fork_server() as server:
        with pytest.raises(UsageError, match="use strings, finite numbers"):
            await server.fork(job("echo"), {"a": object()})


async def test_nothing_is_left_when_the_block_is_left():
    before = descendants()
    async with open_fork_server() as server:
        child = await server.fork(job("leave_a_daemon"), {"then_wait_s": 1000})
        daemon = int(await said(child))
        assert len(descendants() - before) == 3
    assert child.status == LOST
    child.close()
    assert descendants() <= before
    assert not is_alive(daemon)


async def test_cancelled_fork_leaves_no_child():
    before = descendants()
    async with open_fork_server() as server:
        [server_pid] = descendants() - before
        for _ in range(10):
            with anyio.move_on_after(0.001):
                child = await server.fork(job("hang"), {})
                child.kill()
                child.close()
        await wait_until(lambda: descendants() - before == {server_pid})


# ---- the server dies


async def test_server_that_dies_is_replaced_and_its_children_are_lost(caplog):
    before = descendants()
    async with open_fork_server() as server:
        [server_pid] = descendants() - before
        async with await server.fork(job("leave_a_daemon"), {"then_wait_s": 1000}) as child:
            daemon = int(await said(child))
            os.kill(server_pid, signal.SIGKILL)
            assert await child.wait() == LOST
            await wait_gone(child.pid)
            await wait_gone(daemon)
        async with await server.fork(job("echo"), {}) as child:
            assert await said_json(child) == {}
    assert "the fork server ended with signal SIGKILL" in caplog.text


async def test_fork_that_is_under_way_when_the_server_dies_is_told():
    before = descendants()
    async with open_fork_server() as server:
        [server_pid] = descendants() - before
        os.kill(server_pid, signal.SIGSTOP)
        async with anyio.create_task_group() as nursery:
            nursery.start_soon(kill_when_blocked, server_pid)
            with pytest.raises(ForkServerGone, match="try again"):
                await server.fork(job("echo"), {})


async def kill_when_blocked(pid: int) -> None:
    await anyio.wait_all_tasks_blocked()
    os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("executable", ["/bin/false", "/no/such/file"])
async def test_server_that_cannot_start_is_told(monkeypatch, executable):
    monkeypatch.setattr(sys, "executable", executable)
    with pytest.raises(ForkServerGone):
        async with open_fork_server():
            pass

"""Tries in many processes while somebody kills processes at random, and what must hold whatever happens.

- Whoever waits for a child learns of its end, within a bounded time.
- A child that was heard of no more is gone when its end is told, with everything that it has started.
- There is a fork server again, and nothing is left when it is closed.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from random import Random

import anyio
import attrs
from anyio.abc import TaskStatus

from flowcore.domain.dag_sources import DagSource
from flowcore.domain.workloads import TryOutcome
from flowcore.runner.processes.children import Child
from flowcore.runner.processes.connections import ForkServerGone
from flowcore.runner.processes.jobs import WARM_WORKER
from flowcore.runner.processes.owner import ForkServer, open_fork_server
from flowcore.sdk.comms.messages import TryOver
from tests.runner.children import descendants, is_alive, wait_gone
from tests.runner.supervised import Supervisor, dag_of, supervising, try_in_child
from tests.runner.tries import workload_of

FUNCTION = """
    import subprocess
    DURATION = 0.1
    def t():
        kind = os.getpid() % 4
        if kind == 1:
            print("started", subprocess.Popen(["sleep", "1000"]).pid)
        if kind == 2:
            reading, writing = os.pipe()
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    os.write(writing, b"%d" % os.getpid())
                    time.sleep(1000)
                os._exit(0)
            print("started", os.read(reading, 100).decode())
        print("ready")
        time.sleep(DURATION if kind else DURATION / 10)
        return 1
"""
COROUTINE = "async def t(): await anyio.sleep(0.1)"
#: Longer than anything takes, also on a machine that does many other things.
BOUND_S = 40


@attrs.define
class Tally:
    """What became of the tries."""

    reported: int = 0
    silent: int = 0
    not_begun: int = 0
    started: set[int] = attrs.field(factory=set)

    def note(self, supervisor: Supervisor) -> None:
        overs = [notice for notice, _ in supervisor.notices if isinstance(notice, TryOver)]
        assert len(overs) <= 1, overs
        self.reported += len(overs)
        self.silent += not overs
        self.started |= {int(event.split()[1]) for event in supervisor.events() if "started" in event}


async def run_scene(seed: int, *, tries: int, kills: int) -> Tally:
    """Carry out tries and kill processes meanwhile; the tally when everything is over."""
    random, tally, before = Random(seed), Tally(), descendants()
    async with open_fork_server() as server:
        async with anyio.create_task_group() as nursery:
            nursery.start_soon(kill_some, random, kills, before)
            nursery.start_soon(run_workers, server)
            for _ in range(tries):
                nursery.start_soon(run_function, server, tally)
                await anyio.sleep(random.uniform(0, 0.05))
        await check_health(server)
    for pid in tally.started:
        await wait_gone(pid)
    assert descendants() <= before
    return tally


async def kill_some(random: Random, kills: int, before: set[int]) -> None:
    for _ in range(kills):
        await anyio.sleep(random.uniform(0, 0.3))
        # Sorted by age: the servers come first, and are killed as often as all their children together.
        below = sorted(descendants() - before)
        if below:
            with suppress(ProcessLookupError):
                os.kill(random.choice([below[0], *below[:2], *below]), signal.SIGKILL)


async def run_function(server: ForkServer, tally: Tally) -> None:
    with anyio.fail_after(BOUND_S):
        try:
            async with try_in_child(server, dag_of(FUNCTION), workload_of("t")) as supervisor:
                await supervisor.child.wait()
                await supervisor.wait_over()
                tally.note(supervisor)
            await check_gone(supervisor.child)
        except ForkServerGone:
            tally.not_begun += 1


async def run_workers(server: ForkServer) -> None:
    """Some workers one after the other, each with some tries."""
    for _ in range(3):
        with anyio.fail_after(BOUND_S), suppress(ForkServerGone):
            await run_worker(server)


async def run_worker(server: ForkServer) -> None:
    source = dag_of(COROUTINE)
    child = await server.fork(WARM_WORKER, {"backend": "asyncio", "settings": {}})
    async with supervising(child, sources={1: source}) as supervisor:
        for ref in range(20):
            supervisor.run(workload_of("t", ref), source, ref)
        while not supervisor.is_over and len(supervisor.overs()) < 20:
            await supervisor.wait_news()
        assert child.status is not None or all(
            over.outcome is TryOutcome.SUCCESS for over in supervisor.overs()
        )
    await check_gone(child)


async def check_gone(child: Child) -> None:
    """It is, when its end is told; a lost one has been killed, and is in the act of dying."""
    assert child.status is not None
    if child.status.is_lost:
        await wait_gone(child.pid)
    assert not is_alive(child.pid)


async def check_health(server: ForkServer) -> None:
    """There is a server that works, or there will be one soon."""
    with anyio.fail_after(BOUND_S):
        while True:
            try:
                async with try_in_child(server, dag_of("def t(): return 1"), workload_of("t")) as supervisor:
                    await supervisor.child.wait()
                    await supervisor.wait_over()
                    if supervisor.overs():
                        return
            except ForkServerGone:
                continue


async def stay_busy() -> None:
    """For a process that is to be killed: say when tries of all kinds run, and go on for ever."""
    source = dag_of(FUNCTION.replace("DURATION = 0.1", "DURATION = 10_000"))
    async with open_fork_server() as server, anyio.create_task_group() as nursery:
        for _ in range(8):
            await nursery.start(hold, server, source)
        print("busy", flush=True)
        await anyio.sleep_forever()


async def hold(server: ForkServer, source: DagSource, *, task_status: TaskStatus[None]) -> None:
    async with try_in_child(server, source, workload_of("t")) as supervisor:
        await supervisor.said("ready")
        task_status.started()
        await supervisor.child.wait()


if __name__ == "__main__":
    anyio.run(stay_busy, backend=sys.argv[1])

"""`python -m benchmarks.comms`: what it costs a task in a process of its own to ask its supervisor.

A child of a fork server asks; the supervisor's side is the scheduler's own, on one event loop with an
executor's channel, and answers either at once or from a backend that takes 50 ms. The floor of the same
minutes is two processes that play ping-pong with bare bytes over the same kind of socket, blocking.
"""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from statistics import median
from typing import Any

import anyio
from tabulate import tabulate

from flowcore.runner.processes.channels import SupervisorChannel
from flowcore.runner.processes.jobs import Job
from flowcore.runner.processes.owner import ForkServer, open_fork_server
from flowcore.sdk import Variable
from flowcore.sdk.comms.decoder import Decoder
from flowcore.sdk.comms.messages import Answer, GetVariable, LogLines, Notice, Request, VariableFound
from flowcore.sdk.comms.questions import process_comms

LATENCY_S = 0.05
CALLS = 100
ROUNDS = 7
PING_PONGS = 2_000


def ping_pong_s() -> float:
    """Seconds for one byte there and back between two processes."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        if not (pid := os.fork()):
            for _ in range(PING_PONGS):
                theirs.send(theirs.recv(1))
            os._exit(0)
        began = time.perf_counter()
        for _ in range(PING_PONGS):
            ours.send(b"!")
            ours.recv(1)
        os.waitpid(pid, 0)
        return (time.perf_counter() - began) / PING_PONGS


def in_turn(backend: str | None) -> float:
    """Ask one after the other: as a function, or as a coroutine on that loop."""

    def ask() -> float:
        began = time.perf_counter()
        for number in range(CALLS):
            Variable.get(f"key{number}")
        return time.perf_counter() - began

    async def aask() -> float:
        began = time.perf_counter()
        for number in range(CALLS):
            await Variable.aget(f"key{number}")
        return time.perf_counter() - began

    return ask() if backend is None else anyio.run(aask, backend=backend)


async def at_once() -> float:
    """Ask for everything at the same time."""
    began = time.perf_counter()
    async with anyio.create_task_group() as nursery:
        for number in range(CALLS):
            nursery.start_soon(Variable.aget, f"key{number}")
    return time.perf_counter() - began


def work(job: Job) -> None:
    """In the child: measure a few rounds, and tell the supervisor about them."""
    comms, what = Decoder(job.comms), job.payload["what"]
    measures = {
        "in turn": lambda: in_turn(None),
        "in turn on asyncio": lambda: in_turn("asyncio"),
        "in turn on trio": lambda: in_turn("trio"),
        "at once on asyncio": lambda: anyio.run(at_once, backend="asyncio"),
        "at once on trio": lambda: anyio.run(at_once, backend="trio"),
    }
    with process_comms(comms):
        rounds = [measures[what]() for _ in range(job.payload["rounds"] + 1)][1:]
    comms.post(LogLines(tuple(map(str, rounds))))
    comms.close()


async def ask_from_a_child(server: ForkServer, what: str, latency_s: float, rounds: int = ROUNDS) -> float:
    """The median seconds of one round."""
    taken: list[float] = []

    async def answer(request: Request[Any], ref: int | None) -> Answer:
        assert isinstance(request, GetVariable)
        if latency_s:
            await anyio.sleep(latency_s)
        return VariableFound(request.key)

    async def note(notice: Notice, ref: int | None) -> None:
        assert isinstance(notice, LogLines)
        taken.extend(map(float, notice.lines))

    payload = {"what": what, "rounds": rounds}
    async with await server.fork("benchmarks.comms:work", payload, outputs=False) as child:
        await SupervisorChannel(child.comms, answer=answer, note=note).serve()
        await child.wait()
    return median(taken)


async def measure(loop: str) -> list[tuple[str, str, str]]:
    floor_s = ping_pong_s()
    rows = [(loop, "floor: ping-pong of one byte", f"{floor_s * 1e6:.0f} us each")]
    async with open_fork_server() as server:
        for what in ("in turn", "in turn on asyncio", "in turn on trio"):
            each_s = await ask_from_a_child(server, what, 0) / CALLS
            result = f"{each_s * 1e6:.0f} us each, {each_s / floor_s:.1f} times the floor"
            rows.append((loop, f"{CALLS} gets {what}", result))
        for what in ("at once on asyncio", "at once on trio"):
            quick_ms = await ask_from_a_child(server, what, 0) * 1e3
            slow_ms = await ask_from_a_child(server, what, LATENCY_S) * 1e3
            result = f"{quick_ms:.1f} ms; {slow_ms:.1f} ms from a backend of {LATENCY_S * 1e3:.0f} ms"
            rows.append((loop, f"{CALLS} agets {what}", result))
        slow_s = await ask_from_a_child(server, "in turn", LATENCY_S, rounds=1)
        rows.append((loop, f"{CALLS} gets in turn from that backend", f"{slow_s:.2f} s"))
    return rows


def main() -> None:
    os.environ["PYTHONPATH"] = str(Path(__file__).parents[1])  # where the fork server finds `work`
    rows = []
    for loop in ("asyncio", "trio"):
        rows += anyio.run(measure, loop, backend=loop)
    print(tabulate(rows, headers=("supervisor on", "what", "result"), tablefmt="github"))


if __name__ == "__main__":
    main()

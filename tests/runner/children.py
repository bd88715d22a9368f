"""Fork servers and their children in tests: reading what a child says, and seeing that nothing is left."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio

from flowcore.runner.processes.children import Child

ROOT = Path(__file__).parents[2]


def job(name: str) -> str:
    return f"tests.runner.jobs:{name}"


async def said(child: Child) -> str:
    """What the child says next on its comms socket; empty when it says nothing more."""
    return (await _read(child.comms.fileno())).decode(errors="replace")


async def all_said(child: Child) -> str:
    """What the child says until its end."""
    return await _all(child.comms.fileno())


async def said_json(child: Child) -> Any:
    return json.loads(await all_said(child))


async def printed(fd: int) -> str:
    """What is written to a pipe until nobody has it open any more."""
    return await _all(fd)


async def printed_until(fd: int, text: str) -> str:
    """What is written to a pipe until it contains the text."""
    found = ""
    with anyio.fail_after(20):
        while text not in found:
            found += (await _read(fd)).decode()
    return found


async def wait_gone(pid: int) -> None:
    """Wait until there is no such process."""
    await wait_until(lambda: not is_alive(pid))


async def wait_until(condition: Callable[[], bool]) -> None:
    """Look again and again: the kernel announces nothing to those who are not the parent."""
    with anyio.fail_after(30):
        while not condition():  # noqa: ASYNC110
            await anyio.sleep(0.005)


def wait_until_blocking(condition: Callable[[], bool]) -> None:
    """The same as `wait_until` where there is no event loop."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_alive(pid: int) -> bool:
    """Whether the process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except (FileNotFoundError, ProcessLookupError):
        return False


def cpu_ticks(pid: int) -> int:
    """How long the process has kept a core busy, in hundredths of a second."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11])


def oom_score() -> int:
    """How much rather this process is killed than others when memory runs out."""
    return int(Path("/proc/self/oom_score_adj").read_text())


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def descendants() -> set[int]:
    """Every process below this one."""
    found: set[int] = set()
    below = _children_by_parent()
    waiting = [os.getpid()]
    while waiting:
        children = below.get(waiting.pop(), set())
        found |= children
        waiting += children
    return found


def _children_by_parent() -> dict[int, set[int]]:
    below: dict[int, set[int]] = {}
    for path in Path("/proc").glob("[0-9]*"):
        pid = int(path.name)
        if is_alive(pid):
            try:
                below.setdefault(parent_of(pid), set()).add(pid)
            except (FileNotFoundError, ProcessLookupError):
                continue
    return below


async def _read(fd: int) -> bytes:
    while True:
        try:
            return os.read(fd, 65536)
        except BlockingIOError:
            await anyio.wait_readable(fd)


async def _all(fd: int) -> str:
    parts = []
    while part := await _read(fd):
        parts.append(part)
    return b"".join(parts).decode(errors="replace")

"""`open_fork_server`: processes for tries, parsing and workers, from the scheduler's process.

    async with open_fork_server() as server:
        dag_server = await server.dag_server(source)
        async with await dag_server.fork(TRY, payload) as child:
            ...                             # talk over child.comms, read child.stdout
            status = await child.wait()

A fork server that died is started again; its children have died with it.
"""

from __future__ import annotations

import logging
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup, TaskStatus

from flowcore.concurrency.single_error import single_error
from flowcore.domain.dag_sources import DagSource
from flowcore.runner.dag_files.followed_imports import Answering
from flowcore.runner.processes import linux
from flowcore.runner.processes.children import Child, ExitStatus
from flowcore.runner.processes.connections import ForkServerGone, ServerConnection
from flowcore.runner.processes.dag_servers import DagServer, DagServers
from flowcore.sdk.comms.environment import EnvironmentComms
from flowcore.settings.sources import PREFIX, SECRET_PREFIXES

log = logging.getLogger(__name__)

#: By this variable, processes are known to descend from a certain fork server.
MARK = "FLOWCORE_FORK_SERVER"
_START_TIMEOUT_S = 60.0
_END_TIMEOUT_S = 0.5
_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.05, 10.0
_ROUNDS_MAX, _ROUND_S = 200, 0.01


@asynccontextmanager
async def open_fork_server(
    *, dag_servers: int = 32, import_timeout_s: float = 30.0, answer: Answering | None = None
) -> AsyncIterator[ForkServer]:
    """A fork server for the duration of the block; afterwards nothing of it is left.

    A cancellation around the block does not reach it before the block has ended: whoever is cancelled in
    there needs its processes until they are gone.

    Args:
        dag_servers: How many versions of Dag files are kept imported.
        import_timeout_s: How long one may take to import.
        answer: Answers what Dag files ask for while they are imported; by default from the environment.

    Raises:
        ForkServerGone: it cannot be started.
    """
    make = partial(
        ForkServer,
        dag_servers=dag_servers,
        import_timeout_s=import_timeout_s,
        answer=answer or EnvironmentComms().asend,
    )
    with single_error():
        async with anyio.create_task_group() as nursery:
            life = anyio.CancelScope()
            server: ForkServer = await nursery.start(_host, life, make)
            try:
                yield server
            finally:
                life.cancel()


async def _host(
    life: anyio.CancelScope,
    make: Callable[[TaskGroup], ForkServer],
    *,
    task_status: TaskStatus[ForkServer],
) -> None:
    with life:
        async with anyio.create_task_group() as nursery:
            server = make(nursery)
            await nursery.start(server.run)
            life.shield = True
            task_status.started(server)


class ForkServer:
    """Made by `open_fork_server`."""

    def __init__(
        self, nursery: TaskGroup, *, dag_servers: int, import_timeout_s: float, answer: Answering
    ) -> None:
        self._connection: ServerConnection | None = None
        self._started = anyio.Event()
        self._dag_servers = DagServers(
            nursery, self.fork, size=dag_servers, import_timeout_s=import_timeout_s, answer=answer
        )

    async def fork(self, job: str, payload: Mapping[str, Any], *, outputs: bool = True) -> Child:
        """Have a child made that does a job (`jobs.py`), while a server is being restarted wait for it.

        Without `outputs` what the child prints goes nowhere; with them, read what it prints, or it waits.

        Raises:
            ForkServerGone: the server ended meanwhile; the job may have begun.
            ForkFailed: the operating system refuses, or there is no such job.
            UsageError: the payload is no JSON, or too large.
        """
        while self._connection is None:
            await self._started.wait()
        return await self._connection.fork(job, payload, outputs=outputs)

    async def dag_server(self, source: DagSource) -> DagServer:
        """What forks children that have a Dag file imported; kept, so ask for each child.

        Raises:
            DagError: the file cannot be imported.
            DatabaseUnavailable: what it looks up could not be read now.
            ForkServerGone, ForkFailed: see `fork`.
        """
        return await self._dag_servers.get(source)

    def forget_dags(self) -> None:
        """Import every Dag file anew from now on; what runs goes on with what it has imported."""
        self._dag_servers.forget()

    async def run(self, *, task_status: TaskStatus[None]) -> None:
        """Keep a server alive; `started()` once the first one takes forks.

        Raises:
            ForkServerGone: the first one cannot be started.
        """
        await self._live(task_status.started)
        delay_s = _FIRST_DELAY_S
        while True:
            log.warning("a fork server is started again")
            await anyio.sleep(delay_s)
            began_at = anyio.current_time()
            with suppress(ForkServerGone):
                await self._live(lambda: None)
            lived_s = anyio.current_time() - began_at
            delay_s = _FIRST_DELAY_S if lived_s > _LONGEST_DELAY_S else min(2 * delay_s, _LONGEST_DELAY_S)

    async def _live(self, started: Callable[[], None]) -> None:
        """The life of one server process, from its start to what is left when it has ended."""
        async with _server_process() as connection:
            with anyio.move_on_after(_START_TIMEOUT_S):
                await connection.wait_ready()
                self._connection = connection
            if self._connection is None:
                raise ForkServerGone
            self._started.set()
            started()
            try:
                await connection.wait_over()
            finally:
                self._connection, self._started = None, anyio.Event()


@asynccontextmanager
async def _server_process() -> AsyncIterator[ServerConnection]:
    """A new server process and its connection, which is served inside the block."""
    mark = secrets.token_hex(16)
    process, ours = _start(mark)
    with ours:
        try:
            with single_error():
                async with anyio.create_task_group() as nursery:
                    connection = ServerConnection(ours)
                    nursery.start_soon(connection.run)
                    try:
                        yield connection
                    finally:
                        connection.abort()
        finally:
            ours.close()
            with anyio.CancelScope(shield=True):
                await _end(process, mark)


def _start(mark: str) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """A server process, and our end of its control socket."""
    try:
        ours, theirs = socket.socketpair()
    except OSError as error:
        raise ForkServerGone(str(error)) from error
    ours.setblocking(False)
    with theirs:
        try:
            return _popen(theirs, mark), ours
        except OSError as error:
            ours.close()
            raise ForkServerGone(f"{sys.executable}: {error}") from error


def _popen(control: socket.socket, mark: str) -> subprocess.Popen[bytes]:
    # Dag files import what they could import here, also when an embedder has added to the path.
    path = list(map(str, sys.path))
    program = (
        f"import sys; sys.path[:] = {path!r}; from flowcore.runner.processes.fork_server import serve;"
        f" serve({control.fileno()})"
    )
    # On the loop's thread, with which the server shall end: the kernel signals it when this thread does.
    return subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=(control.fileno(),),
        # The signals of a terminal are for the scheduler only.
        start_new_session=True,
        env=_environment(os.environ) | {MARK: mark},
    )


def _environment(whole: Mapping[str, str]) -> dict[str, str]:
    """What tasks find: everything except the scheduler's own settings, the database's URL among them."""
    return {
        name: value
        for name, value in whole.items()
        if not name.startswith(PREFIX) or name.startswith(SECRET_PREFIXES)
    }


async def _end(process: subprocess.Popen[bytes], mark: str) -> None:
    with anyio.move_on_after(_END_TIMEOUT_S):
        await _in_thread(process.wait)
    if process.returncode == 0:
        return
    process.kill()
    await _in_thread(process.wait)
    log.error("the fork server ended with %s, and its children with it", ExitStatus.of(process.returncode))
    await _in_thread(partial(_kill_marked, mark))


async def _in_thread(function: Callable[[], object]) -> None:
    await anyio.to_thread.run_sync(function, abandon_on_cancel=True, limiter=anyio.CapacityLimiter(1))


def _kill_marked(mark: str) -> None:
    """Kill what a dead server could not: descendants that had left their process groups."""
    for _ in range(_ROUNDS_MAX):
        found = linux.processes_with(MARK, mark)
        if not found:
            return
        for pid in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_ROUND_S)

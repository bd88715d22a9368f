"""The Dag servers of a fork server: each with one version of one Dag file imported, the latest used kept.

One that has to make room, or whose folder has changed, is used by nobody new and ends with its last child.
"""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol

import anyio
import attrs
from anyio.abc import TaskGroup

from flowcore.concurrency.single_error import single_error
from flowcore.domain.dag_sources import DagSource
from flowcore.domain.records import dump_record
from flowcore.errors import DagError, FlowcoreError, ProtocolError
from flowcore.runner.dag_files.followed_imports import Answering, follow_import
from flowcore.runner.processes.children import Child, ExitStatus
from flowcore.runner.processes.connections import ForkServerGone, ServerConnection
from flowcore.runner.processes.jobs import DAG_SERVER


class _ImportKilled(DagError):
    """Somebody has killed the process that imported a file: the kernel, or a person."""


#: What may go better the next time, at most this often. An import does nothing twice.
_MAY_BE_CHANCE = (ForkServerGone, _ImportKilled)
_STARTS_MAX = 3


class _Forks(Protocol):
    async def __call__(self, job: str, payload: Mapping[str, Any], *, outputs: bool = True) -> Child: ...


@attrs.define(eq=False)
class _Server:
    """One Dag server. `connection` is there when `settled` is set, unless there is an `error`."""

    source: DagSource
    settled: anyio.Event = attrs.field(factory=anyio.Event)
    connection: ServerConnection | None = None
    error: FlowcoreError | None = None
    users: int = 0
    is_retired: bool = False

    @property
    def is_over(self) -> bool:
        """Whether it cannot be used although it could be."""
        return self.settled.is_set() and (self.connection is None or self.connection.is_over)

    def end_if_unused(self) -> None:
        """End it if it is retired and nobody needs it any more."""
        connection = self.connection
        if self.is_retired and not self.users and connection is not None and not connection.children:
            connection.abort()


@attrs.frozen
class DagServer:
    """Forks children that have a Dag file imported."""

    source: DagSource
    _using: Callable[[DagSource], AbstractAsyncContextManager[ServerConnection]]

    async def fork(self, job: str, payload: Mapping[str, Any]) -> Child:
        """Have a child made that does a job; `Job.dags` are the Dags of the file.

        Raises:
            DagError: the server had ended, and this time the file cannot be imported.
            ForkServerGone, ForkFailed, UsageError: see `ForkServer.fork`.
        """
        async with self._using(self.source) as connection:
            return await connection.fork(job, payload)


class DagServers:
    """At most `size` Dag servers that may be used anew, by path and digest.

    Args:
        nursery: Where they are waited for.
        fork: Makes the children that become Dag servers.
        size: How many are kept.
        import_timeout_s: How long a Dag file may take to import.
        answer: Answers what Dag files ask for while they are imported.
    """

    def __init__(
        self, nursery: TaskGroup, fork: _Forks, *, size: int, import_timeout_s: float, answer: Answering
    ) -> None:
        self._nursery, self._fork, self._size, self._import_timeout_s = nursery, fork, size, import_timeout_s
        self._answer = answer
        self._servers: dict[tuple[str, str], _Server] = {}

    async def get(self, source: DagSource) -> DagServer:
        """The server of a source, started if need be.

        Raises:
            DagError: the file cannot be imported.
            DatabaseUnavailable: what it looks up could not be read now.
            ForkServerGone, ForkFailed: the server could not be started now.
        """
        async with self._using(source):
            return DagServer(source, self._using)

    def forget(self) -> None:
        """Import all files anew from now on: what they import may have changed."""
        while self._servers:
            self._retire(next(iter(self._servers)))

    @asynccontextmanager
    async def _using(self, source: DagSource) -> AsyncIterator[ServerConnection]:
        """A connection that nobody ends inside the block. Raises as `get`."""
        server = self._latest_use_of(source)
        server.users += 1
        try:
            # Not a turn of the event loop for each try.
            if not server.settled.is_set():
                await server.settled.wait()
            if server.error is not None:
                raise server.error
            if server.connection is None:
                raise ForkServerGone
            yield server.connection
        finally:
            server.users -= 1
            server.end_if_unused()

    def _latest_use_of(self, source: DagSource) -> _Server:
        server = self._servers.pop(source.key, None)
        if server is None or server.is_over:
            while len(self._servers) >= self._size:
                self._retire(next(iter(self._servers)))
            server = _Server(source)
            self._nursery.start_soon(self._run, server)
        self._servers[source.key] = server
        return server

    def _retire(self, key: tuple[str, str]) -> None:
        server = self._servers.pop(key)
        server.is_retired = True
        server.end_if_unused()

    async def _run(self, server: _Server) -> None:
        error = None
        try:
            for _ in range(_STARTS_MAX):
                error = await self._live(server)
                if server.settled.is_set() or not isinstance(error, _MAY_BE_CHANCE):
                    break
        finally:
            server.error = error if server.connection is None else None
            server.settled.set()
            if self._servers.get(server.source.key) is server:
                del self._servers[server.source.key]

    async def _live(self, server: _Server) -> FlowcoreError | None:
        """The life of one process; the error that kept it from serving, if one did."""
        try:
            async with await self._fork(DAG_SERVER, dump_record(server.source), outputs=False) as child:
                await self._serve(server, child)
        except FlowcoreError as error:
            return error
        return None

    async def _serve(self, server: _Server, child: Child) -> None:
        await self._wait_imported(server.source, child)
        connection = ServerConnection(child.comms, on_child_end=server.end_if_unused)
        with single_error():
            async with anyio.create_task_group() as nursery:
                nursery.start_soon(connection.run)
                server.connection = connection
                server.settled.set()
                server.end_if_unused()
                await connection.wait_over()

    async def _wait_imported(self, source: DagSource, child: Child) -> None:
        with anyio.move_on_after(self._import_timeout_s):
            try:
                if await follow_import(child, self._answer):
                    return
            except ProtocolError as error:
                raise DagError(
                    f"{source.path}: it broke the protocol of its socket: {error.wrong}; mend the file"
                ) from error
            raise _why_it_ended(source, await child.wait())
        raise DagError(
            f"{source.path} took longer than {self._import_timeout_s:g} s to import; do what takes long in"
            " tasks, not while the file is read"
        )


def _why_it_ended(source: DagSource, status: ExitStatus) -> FlowcoreError:
    if status.is_lost:
        return ForkServerGone()
    if status.signal == signal.SIGKILL:
        return _ImportKilled(
            f"{source.path}: the process that imported it was killed again and again; if memory runs out"
            " there, load large data in tasks only"
        )
    return DagError(
        f"{source.path}: the process that imported it ended with {status}; do what ends processes in"
        " tasks only"
    )

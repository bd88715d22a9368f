from __future__ import annotations

import os
import socket
from contextlib import asynccontextmanager

import anyio
import attrs
import pytest

from flowcore.runner.processes.children import LOST, ExitStatus
from flowcore.runner.processes.connections import ForkFailed, ForkServerGone, ServerConnection
from flowcore.runner.processes.control import (
    Exited,
    Fork,
    Forked,
    ForkRefused,
    Inbox,
    SendSignal,
    ServerReady,
    control_frame,
)


@attrs.define
class Server:
    """The other end of a connection, in the hands of the test."""

    control: socket.socket
    inbox: Inbox = attrs.field(factory=Inbox)

    async def receive(self):
        """The next order and its number; descriptors are closed."""
        while True:
            try:
                [envelope] = self.inbox.receive(self.control)
            except BlockingIOError:
                await anyio.wait_readable(self.control)
            else:
                self.inbox.close()
                return envelope.message, envelope.id

    def send(self, message, number=None):
        self.control.send(control_frame(message, number))


@asynccontextmanager
async def connected():
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    connection = ServerConnection(ours)
    async with anyio.create_task_group() as nursery:
        nursery.start_soon(connection.run)
        with theirs:
            yield connection, Server(theirs)
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def forked(connection, server, pid=0x7FFFFFF0):
    """A child that the server says it has made."""
    async with anyio.create_task_group() as nursery:
        children = []

        async def fork():
            children.append(await connection.fork("job", {}))

        nursery.start_soon(fork)
        order, number = await server.receive()
        assert isinstance(order, Fork)
        server.send(Forked(pid), number)
        while not children:
            await anyio.lowlevel.checkpoint()
        yield children[0], number
        children[0].close()


async def test_readiness_is_waited_for():
    async with connected() as (connection, server):
        server.send(ServerReady())
        await connection.wait_ready()


async def test_end_of_a_child_is_told():
    async with connected() as (connection, server), forked(connection, server) as (child, number):
        assert connection.children == [child]
        server.send(Exited(-11), number)
        assert await child.wait() == ExitStatus(signal=11)
        assert connection.children == []


async def test_signals_are_sent_by_number_and_not_after_the_end():
    async with connected() as (connection, server), forked(connection, server) as (child, number):
        child.terminate()
        assert await server.receive() == (SendSignal(15), number)
        child.kill()
        assert await server.receive() == (SendSignal(9, to_group=True), number)
        server.send(Exited(0), number)
        await child.wait()
        child.kill()
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(BlockingIOError):
            server.control.recv(1)


async def test_refused_fork_is_told():
    async with connected() as (connection, server), anyio.create_task_group() as nursery:

        async def refuse():
            server.send(ForkRefused("Resource temporarily unavailable"), (await server.receive())[1])

        nursery.start_soon(refuse)
        with pytest.raises(ForkFailed, match="Resource temporarily unavailable"):
            await connection.fork("job", {})


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\xff" * 10,
        control_frame(Forked(1), 7),
        control_frame(Exited(0), 7),
        control_frame(Fork("job", {})),
        control_frame(ForkRefused("no")),
    ],
)
async def test_server_that_talks_nonsense_is_given_up(nonsense, caplog):
    async with connected() as (connection, server), forked(connection, server) as (child, _):
        server.control.send(nonsense)
        assert await child.wait() == LOST
        await connection.wait_over()
        with pytest.raises(ForkServerGone):
            await connection.fork("job", {})
    assert "a fork server is given up" in caplog.text


async def test_end_of_the_server_is_that_of_its_children():
    async with connected() as (connection, server), forked(connection, server) as (child, _):
        server.control.close()
        assert await child.wait() == LOST
        with pytest.raises(ForkServerGone):
            await connection.wait_ready()


async def test_server_that_reads_nothing_is_given_up_and_no_descriptor_is_lost():
    before = len(os.listdir("/proc/self/fd"))
    async with connected() as (connection, server), forked(connection, server) as (child, _):
        for _ in range(5_000):
            child.interrupt()
        assert await child.wait() == LOST
    assert len(os.listdir("/proc/self/fd")) <= before


async def test_many_forks_wait_their_turn():
    async with connected() as (connection, _), anyio.create_task_group() as nursery:
        for _ in range(100):
            nursery.start_soon(connection.fork, "job", {})
        await anyio.wait_all_tasks_blocked()
        assert len(connection.children) == 16
        nursery.cancel_scope.cancel()

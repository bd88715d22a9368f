"""A fork server without processes: what it forks are coroutines that behave like children."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Any

import anyio
from anyio.abc import TaskGroup

from flowcore.domain.dag_sources import DagSource
from flowcore.domain.records import load_record
from flowcore.domain.workloads import TryOutcome, Workload
from flowcore.runner.processes.children import LOST, Child, ExitStatus, open_ends
from flowcore.runner.processes.jobs import CALLBACKS, TRY
from flowcore.sdk.comms.messages import (
    Answer,
    CallbacksBegun,
    CallbacksOver,
    LogLines,
    Notice,
    Order,
    Ping,
    Pong,
    RunTry,
    TryBegun,
    TryOver,
)
from flowcore.sdk.comms.protocol import Conversation, Told

#: Decides what a child does: the behaviour is named by the task's id.
Behaviour = Callable[["FakeChild"], Awaitable[None]]


class FakeChild:
    """The child's side."""

    def __init__(self, job: str, payload: Mapping[str, Any]) -> None:
        ends, fds = open_ends(outputs=True)
        self.job, self.payload = job, payload
        self.child = Child(ends, self._take_signal)
        self._sock = socket.socket(fileno=fds[0])
        self._sock.setblocking(False)
        self.stdout, self.stderr = fds[1:]
        self._conversation = Conversation(Answer, Order)
        self.signals: list[int] = []
        #: What it says of its size when it is asked.
        self.memory = 0
        self.is_interruptible = True
        self.interrupted = anyio.CancelScope()
        self._is_closed = False

    @property
    def workload(self) -> Workload:
        return load_record(Workload, self.payload["workload"])

    def say(self, notice: Notice, ref: int | None = None) -> None:
        self.write(self._conversation.tell(notice, ref=ref))

    def write(self, data: bytes) -> None:
        if self.child.status is None:
            self._sock.send(data)

    def close_socket(self) -> None:
        if self._sock.fileno() >= 0:
            anyio.notify_closing(self._sock)
            self._sock.close()

    async def orders(self) -> AsyncIterator[tuple[Order, int | None]]:
        while self._sock.fileno() >= 0:
            try:
                await anyio.wait_readable(self._sock)
                data = self._sock.recv(65536)
            except (anyio.ClosedResourceError, OSError):  # the child has ended meanwhile
                return
            if not data:
                return
            for received in self._conversation.receive(data):
                if isinstance(received, Told) and isinstance(received.message, Order):
                    yield received.message, received.ref

    def end(self, status: ExitStatus) -> None:
        if not self._is_closed:
            self._is_closed = True
            self.interrupted.cancel()
            self.close_socket()
            os.close(self.stdout)
            os.close(self.stderr)
            self.child.note_end(status)

    def _take_signal(self, number: int, to_group: bool) -> None:
        self.signals.append(number)
        if number == signal.SIGKILL:
            self.end(ExitStatus(signal=number))
        elif self.is_interruptible:
            self.interrupted.cancel()


class FakeForks:
    """Implements `executors.child_making.Forks`; tests see what it has forked."""

    def __init__(self, nursery: TaskGroup, behave: Behaviour) -> None:
        self._nursery, self._behave = nursery, behave
        self.forked: list[FakeChild] = []
        self._news = anyio.Event()
        self.forgotten = 0
        #: How many of the next forks go wrong.
        self.failures: list[Exception] = []

    async def fork(self, job: str, payload: Mapping[str, Any], *, outputs: bool = True) -> Child:
        await anyio.lowlevel.checkpoint()
        if self.failures:
            raise self.failures.pop()
        fake = FakeChild(job, payload)
        self.forked.append(fake)
        self._nursery.start_soon(self._run, fake)
        news, self._news = self._news, anyio.Event()
        news.set()
        return fake.child

    async def dag_server(self, source: DagSource) -> FakeForks:
        await anyio.lowlevel.checkpoint()
        return self

    async def wait_forked(self, count: int) -> None:
        """Return once so many were forked in all."""
        with anyio.fail_after(30):
            while len(self.forked) < count:
                await self._news.wait()

    def forget_dags(self) -> None:
        self.forgotten += 1

    def die(self) -> None:
        """Take all children along."""
        for fake in self.forked:
            fake.end(LOST)

    async def _run(self, fake: FakeChild) -> None:
        await self._behave(fake)
        fake.end(ExitStatus(code=0))


@asynccontextmanager
async def fake_forks(behave: Behaviour) -> AsyncIterator[FakeForks]:
    async with anyio.create_task_group() as nursery:
        yield FakeForks(nursery, behave)
        nursery.cancel_scope.cancel()


SUCCESS = TryOver(TryOutcome.SUCCESS, {"return_value": "1"})


async def succeed(fake: FakeChild) -> None:
    fake.say(TryBegun())
    await anyio.lowlevel.checkpoint()
    fake.say(SUCCESS)


async def hang(fake: FakeChild) -> None:
    """Go on until interrupted, and report that."""
    fake.say(TryBegun())
    with fake.interrupted:
        await anyio.sleep_forever()
    fake.say(TryOver(TryOutcome.FAILED, error="interrupted"))


async def stay(fake: FakeChild) -> None:
    """Go on whatever happens."""
    fake.is_interruptible = False
    fake.say(TryBegun())
    with fake.interrupted:
        await anyio.sleep_forever()


async def vanish(fake: FakeChild) -> None:
    fake.say(TryBegun())


async def babble(fake: FakeChild) -> None:
    fake.write(b"\0\0\0\1x")
    with fake.interrupted:
        await anyio.sleep_forever()


async def go_deaf(fake: FakeChild) -> None:
    fake.close_socket()
    with fake.interrupted:
        await anyio.sleep_forever()


TRIES = {name.__name__: name for name in (succeed, hang, stay, vanish, babble, go_deaf)}


async def over(fake: FakeChild) -> None:
    fake.say(LogLines(('{"event": "said"}',)))
    fake.say(CallbacksOver("one of them raised"))


async def call_back(fake: FakeChild) -> None:
    fake.say(CallbacksBegun(60))
    await anyio.lowlevel.checkpoint()


async def call_back_for_ever(fake: FakeChild) -> None:
    fake.say(CallbacksBegun(60))
    with fake.interrupted:
        await anyio.sleep_forever()


#: What tells the callbacks of such tasks that they died.
CALLED_BACK = {"vanish": call_back, "babble": call_back_for_ever}


async def like_its_task(fake: FakeChild) -> None:
    """Do what the task of the try is called; as a worker, do so for each of its tries."""
    if fake.job == TRY:
        await TRIES[fake.workload.task_id](fake)
    elif fake.job == CALLBACKS:
        await CALLED_BACK[fake.workload.task_id](fake)
    else:
        await work(fake)


async def work(fake: FakeChild) -> None:
    """A worker whose tries succeed or hang until they are cancelled; one that vanishes takes it along."""
    with fake.interrupted:
        async with aclosing(fake.orders()) as orders:
            async for order, ref in orders:
                if isinstance(order, Ping):
                    fake.say(Pong(order.number, fake.memory, 0))
                elif isinstance(order, RunTry):
                    fake.say(TryBegun(), ref)
                    if order.workload.task_id == "succeed":
                        fake.say(SUCCESS, ref)
                    elif order.workload.task_id == "vanish":
                        return

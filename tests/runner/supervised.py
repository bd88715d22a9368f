"""A supervisor for tests: answers what children ask from dicts, and keeps what they say."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from textwrap import dedent
from typing import Any, TypeVar

import anyio
import attrs

from flowcore.domain.dag_sources import DagSource
from flowcore.domain.records import dump_record
from flowcore.domain.workloads import Workload
from flowcore.errors import DatabaseUnavailable, ProtocolError, VariableNotFound
from flowcore.runner.processes.channels import SupervisorChannel
from flowcore.runner.processes.children import Child
from flowcore.runner.processes.jobs import TRY
from flowcore.runner.processes.owner import ForkServer
from flowcore.sdk.comms.messages import (
    Answer,
    DagSourceFound,
    GetDagSource,
    GetVariable,
    LogLines,
    LoopBlocked,
    Notice,
    PullXComs,
    Request,
    RunTry,
    TryBegun,
    TryOver,
    VariableFound,
    XComTexts,
)
from flowcore.sdk.comms.xcom_messages import FindXComs, XComsFound

N = TypeVar("N", bound=Notice)

HEAD = "import os, sys, time, signal, anyio, anyio.lowlevel\nfrom flowcore.sdk import *\n"


def source_of(text: str, path: str = "/dags/file.py") -> DagSource:
    """The source of a Dag file that imports what tests need."""
    return DagSource.of(HEAD + dedent(text), path=path, folder="/dags")


def dag_of(function: str, path: str = "/dags/file.py") -> DagSource:
    """A Dag `d` with one task `t`: the function `t` in the text, decorated or called by it."""
    return source_of(f"{dedent(function)}\nwith DAG('d') as dag: task(task_id='t')(t)()", path)


@attrs.define(eq=False)
class Supervisor:
    """The supervisor of one child, whose end of the channel is served by `supervising`."""

    child: Child
    sources: Mapping[int, DagSource] = attrs.field(factory=dict)
    variables: Mapping[str, str] = attrs.field(factory=dict)
    xcoms: Mapping[tuple[str, int, str], Any] = attrs.field(factory=dict)
    notices: list[tuple[Notice, int | None]] = attrs.field(factory=list)
    error: ProtocolError | None = None
    channel: SupervisorChannel = attrs.field(init=False)
    _news: anyio.Event = attrs.field(factory=anyio.Event, init=False)
    questions: list[str] = attrs.field(factory=list)
    reads: int = 0
    is_over: bool = False

    def __attrs_post_init__(self) -> None:
        self.channel = SupervisorChannel(self.child.comms, answer=self._answer, note=self._note)

    async def next(self, kind: type[N], ref: int | None = None) -> N:
        """Wait for the first notice of that kind about a try, and take it away."""
        return await self.next_that(kind, lambda found: found == ref)

    async def broken(self) -> ProtocolError:
        """What the child did to the protocol."""
        with anyio.fail_after(20):
            while self.error is None:
                await self._news.wait()
        return self.error

    async def said(self, event: str, ref: int | None = None) -> None:
        """Wait until a try has logged or printed this."""
        await self._until(lambda: event in self.events(ref))

    async def asked(self, key: str) -> None:
        """Wait until somebody asks for a variable; `slow` is never answered."""
        await self._until(lambda: key in self.questions)

    async def _until(self, condition: Callable[[], bool]) -> None:
        with anyio.fail_after(20):
            while not condition():
                assert not self.is_over, self.notices
                await self._news.wait()

    def overs(self) -> list[TryOver]:
        """How tries ended, of those that nobody has taken."""
        return [notice for notice, _ in self.notices if isinstance(notice, TryOver)]

    async def wait_news(self) -> None:
        """Wait until the child says something, or nothing more."""
        with anyio.fail_after(20):
            await self._news.wait()

    async def wait_over(self) -> None:
        """Wait until the child says nothing more."""
        with anyio.fail_after(20):
            while not self.is_over:
                await self._news.wait()

    async def next_that(self, kind: type[N], is_wanted: Callable[[int | None], bool]) -> N:
        with anyio.fail_after(20):
            while True:
                for number, (notice, ref) in enumerate(self.notices):
                    if isinstance(notice, kind) and is_wanted(ref):
                        del self.notices[number]
                        return notice
                assert not self.is_over, f"no {kind.__name__} came; but {self.notices}"
                await self._news.wait()

    async def over(self, ref: int | None = None) -> TryOver:
        """How a try ended."""
        return await self.next(TryOver, ref)

    async def begun(self, ref: int | None = None) -> None:
        await self.next(TryBegun, ref)

    async def blocked(self, ref: int | None = None) -> LoopBlocked:
        return await self.next(LoopBlocked, ref)

    def run(self, workload: Workload, source: DagSource, ref: int) -> None:
        """Order a warm worker to carry out a try."""
        self.channel.order(RunTry(workload, source.key), ref)

    def logged(self, ref: int | None = None) -> list[dict[str, str]]:
        """The lines of a try's log so far."""
        return [
            json.loads(line)
            for notice, whose in self.notices
            if isinstance(notice, LogLines) and whose == ref
            for line in notice.lines
        ]

    def events(self, ref: int | None = None) -> list[str]:
        return [line["event"] for line in self.logged(ref)]

    async def serve(self) -> None:
        """Serve until the child is gone; nonsense is kept as `error`."""
        try:
            await self.channel.serve()
        except ProtocolError as error:
            self.error = error
        self.is_over = True
        self._tell()

    async def _answer(self, request: Request[Any], ref: int | None) -> Answer:
        match request:
            case GetVariable("slow"):
                self.questions.append("slow")
                self._tell()
                await anyio.sleep_forever()
            case GetVariable("lost"):
                raise DatabaseUnavailable("the database does not answer")
            case GetVariable(key) if key in self.variables:
                return VariableFound(self.variables[key])
            case GetVariable(key):
                raise VariableNotFound(key, ("the test",))
            case PullXComs(_, keys):
                texts = [json.dumps(self.xcoms[key]) if key in self.xcoms else None for key in keys]
                return XComTexts(tuple(texts))
            case FindXComs(_, task_ids, key):
                found = [
                    (task, index, json.dumps(value))
                    for (task, index, pushed), value in self.xcoms.items()
                    if task in task_ids and pushed == key
                ]
                return XComsFound(tuple(found))
            case GetDagSource(dag_version_id):
                self.reads += 1
                return DagSourceFound(self.sources[dag_version_id])
        raise AssertionError(request)

    async def _note(self, notice: Notice, ref: int | None) -> None:
        self.notices.append((notice, ref))
        self._tell()

    def _tell(self) -> None:
        news, self._news = self._news, anyio.Event()
        news.set()


@asynccontextmanager
async def supervising(child: Child, **options: Any) -> AsyncIterator[Supervisor]:
    """Supervise a child, which is killed when the block ends."""
    async with child, anyio.create_task_group() as nursery:
        supervisor = Supervisor(child, **options)
        nursery.start_soon(supervisor.serve)
        yield supervisor
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def try_in_child(
    server: ForkServer, source: DagSource, workload: Workload, *, settings: Any = None, **options: Any
) -> AsyncIterator[Supervisor]:
    """One try in a child of its own."""
    dag_server = await server.dag_server(source)
    child = await dag_server.fork(TRY, {"workload": dump_record(workload), "settings": settings or {}})
    async with supervising(child, **options) as supervisor:
        yield supervisor

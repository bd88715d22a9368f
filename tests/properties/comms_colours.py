"""One series of questions in every colour, and what was said and heard meanwhile."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence
from typing import Any

import anyio
import anyio.to_thread
import attrs
from hypothesis import strategies as st

from flowcore.domain.connections import parse_connection
from flowcore.domain.try_settings import TrySettings
from flowcore.errors import ConnectionNotFound, FlowcoreError, SecretsDenied, VariableNotFound
from flowcore.runner.task_instances import RunningTaskInstance
from flowcore.runner.xcoms.try_xcoms import TryXComs
from flowcore.sdk import BaseHook, BaseOperator, Connection, Variable
from flowcore.sdk.comms.decoder import Decoder
from flowcore.sdk.comms.messages import (
    Answer,
    ConnectionFound,
    Done,
    GetConnection,
    GetVariable,
    ListVariableKeys,
    Request,
    VariableFound,
    VariableKeys,
)
from flowcore.sdk.comms.questions import current_comms
from flowcore.sdk.comms.xcom_messages import FindXComs, XComsFound
from tests.runner.tries import MOMENT, workload_of
from tests.sdk.comms.peers import Peer

#: The object that is asked, and the arguments; the method's asynchronous twin has an `a` in front.
Step = tuple[str, str, tuple[Any, ...]]

NAMES = st.sampled_from(["a", "b", "missing", "denied", "json"])


def steps() -> st.SearchStrategy[Step]:
    """One thing that an author asks."""
    return st.one_of(
        st.tuples(st.just("Variable"), st.just("get"), st.tuples(NAMES)),
        st.tuples(st.just("Variable"), st.just("get"), st.tuples(NAMES, st.none(), st.booleans())),
        st.tuples(st.just("Variable"), st.just("set"), st.tuples(NAMES, st.integers())),
        st.tuples(st.just("Variable"), st.just("delete"), st.tuples(NAMES)),
        st.tuples(st.just("Variable"), st.just("keys"), st.tuples(NAMES)),
        st.tuples(st.just("Connection"), st.just("get"), st.tuples(NAMES)),
        st.tuples(st.just("BaseHook"), st.just("get_connection"), st.tuples(NAMES)),
        st.tuples(st.just("ti"), st.just("xcom_pull"), st.tuples(NAMES | st.lists(NAMES))),
    )


def answer(request: Request[Any]) -> Answer:
    """What the supervisor answers to a name, always the same."""
    match request:
        case GetVariable("missing"):
            raise VariableNotFound("missing", ("vault",))
        case GetConnection("missing"):
            raise ConnectionNotFound("missing", ("vault",))
        case GetVariable("denied") | GetConnection("denied"):
            raise SecretsDenied("vault", "denied", "it denies access; see to the credentials")
        case GetVariable(key):
            return VariableFound('{"k": 1}' if key == "json" else f"value of {key}")
        case GetConnection(conn_id):
            return ConnectionFound(parse_connection(conn_id, f"http://me:pw@{conn_id}.example/"))
        case ListVariableKeys(prefix):
            return VariableKeys((prefix, f"{prefix}s"))
        case FindXComs(_, task_ids, _):
            return XComsFound(tuple((name, -1, f'"{name}"') for name in task_ids if name != "missing"))
    return Done()


@attrs.frozen
class Conversation:
    """The bytes that the supervisor was sent, and what the author got."""

    said: bytes
    heard: Sequence[object]


Colour = Callable[[Decoder, list[Step]], list[object]]


def converse(colour: Colour, asked: list[Step]) -> Conversation:
    """Ask everything in one colour."""
    ours, theirs = socket.socketpair()
    peer, decoder = RecordingPeer(theirs, answer), Decoder(ours)
    thread = threading.Thread(target=peer.serve)
    thread.start()
    with theirs:
        try:
            heard = colour(decoder, asked)
        finally:
            decoder.close()
            thread.join()
    return Conversation(bytes(peer.received), heard)


class RecordingPeer(Peer):
    """Keeps every byte."""

    def __init__(self, sock: socket.socket, answer: Callable[[Request[Any]], Answer]) -> None:
        super().__init__(sock, answer)
        self.received = bytearray()

    def _received(self) -> bytes:
        data = super()._received()
        self.received += data
        return data


def in_this_thread(decoder: Decoder, asked: list[Step]) -> list[object]:
    with current_comms(decoder):
        faces = _faces(decoder)
        return [_outcome(getattr(faces[owner], name), arguments) for owner, name, arguments in asked]


def in_another_thread(decoder: Decoder, asked: list[Step]) -> list[object]:
    heard: list[object] = []
    thread = threading.Thread(target=lambda: heard.extend(in_this_thread(decoder, asked)))
    thread.start()
    thread.join()
    return heard


def on_asyncio(decoder: Decoder, asked: list[Step]) -> list[object]:
    return anyio.run(_await_all, decoder, asked, backend="asyncio")


def on_trio(decoder: Decoder, asked: list[Step]) -> list[object]:
    return anyio.run(_await_all, decoder, asked, backend="trio")


def blocking_a_loop(decoder: Decoder, asked: list[Step]) -> list[object]:
    async def block() -> list[object]:
        return in_this_thread(decoder, asked)

    return anyio.run(block)


COLOURS: Sequence[Colour] = (in_this_thread, in_another_thread, on_asyncio, on_trio, blocking_a_loop)


async def _await_all(decoder: Decoder, asked: list[Step]) -> list[object]:
    with current_comms(decoder):
        faces = _faces(decoder)
        heard = []
        for owner, name, arguments in asked:
            heard.append(await _aoutcome(getattr(faces[owner], f"a{name}"), arguments))
        return heard


def _faces(decoder: Decoder) -> dict[str, Any]:
    task, workload = BaseOperator("me"), workload_of("me")
    xcoms = TryXComs(workload, TrySettings(), pushed={"return_value": '"own"'}, is_async=False)
    ti = RunningTaskInstance(workload, task, comms=decoder, xcoms=xcoms, start_date=MOMENT)
    return {"Variable": Variable, "Connection": Connection, "BaseHook": BaseHook, "ti": ti}


def _outcome(ask: Callable[..., object], arguments: tuple[Any, ...]) -> object:
    try:
        return ask(*arguments)
    except FlowcoreError as error:
        return type(error), str(error), vars(error)


async def _aoutcome(ask: Callable[..., Any], arguments: tuple[Any, ...]) -> object:
    try:
        return await ask(*arguments)
    except FlowcoreError as error:
        return type(error), str(error), vars(error)

"""A model of a conversation: callers of every colour, a peer that answers as told, and who may get what.

Threads and loops are real, so an example is not replayed exactly; what is checked holds in each of them.
"""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum

import anyio
import attrs
from anyio.lowlevel import checkpoint
from hypothesis import strategies as st

from flowcore.errors import FlowcoreError, PeerGone, ProtocolError, VariableNotFound
from flowcore.sdk.comms.decoder import Decoder
from flowcore.sdk.comms.errors import error_answer
from flowcore.sdk.comms.messages import GetVariable, LogLines, Notice, Request, VariableFound
from flowcore.sdk.comms.protocol import Asked, Conversation, Told

#: Nobody waits that long unless somebody is stuck.
_STUCK_S = 20.0


class Colour(StrEnum):
    MAIN = "the main thread"
    THREAD = "a thread of its own"
    ASYNCIO = "a coroutine on asyncio"
    TRIO = "a coroutine on trio"
    ON_ASYNCIO = "a blocking call on asyncio's thread"
    ON_TRIO = "a blocking call on trio's thread"


LOOPS = {"asyncio": (Colour.ASYNCIO, Colour.ON_ASYNCIO), "trio": (Colour.TRIO, Colour.ON_TRIO)}
CANCELLABLE = {Colour.ASYNCIO, Colour.TRIO}


class Fate(StrEnum):
    AT_ONCE = "answered at once"
    LATE = "answered after later ones"
    FAILED = "an error"
    NEVER = "never answered"


@attrs.frozen
class Call:
    """One request; `cancelled_after` counts rounds of the loop, None means that it is awaited to its end."""

    fate: Fate
    size: int = 0
    cancelled_after: int | None = None
    notices: int = 0


@attrs.frozen
class Script:
    """What happens; `dies_after` counts the requests that the peer takes at most before it ends."""

    callers: tuple[tuple[Colour, tuple[Call, ...]], ...]
    dies_after: int | None
    dies_talking: bool
    chunk: int
    seed: int

    @property
    def keys(self) -> dict[str, Call]:
        return {
            key_of(caller, number, call): call
            for caller, (_, calls) in enumerate(self.callers)
            for number, call in enumerate(calls)
        }

    def may_be_gone(self) -> bool:
        return self.dies_after is not None


def key_of(caller: int, number: int, call: Call) -> str:
    return f"{caller}.{number}." + "x" * call.size


@st.composite
def scripts(draw: st.DrawFn) -> Script:
    # Seldom: the end of the peer lets everybody go, and so hides who would hang.
    dies_after = draw(st.integers(0, 12)) if draw(st.integers(0, 4)) == 4 else None
    callers = []
    for _ in range(draw(st.integers(2, 7))):
        colour = draw(st.sampled_from(Colour))
        calls = st.lists(_calls(colour, may_hang=dies_after is not None), min_size=1, max_size=3)
        callers.append((colour, tuple(draw(calls))))
    return Script(
        callers=tuple(callers),
        dies_after=dies_after,
        dies_talking=draw(st.booleans()),
        chunk=draw(st.sampled_from([7, 500, 65536])),
        seed=draw(st.integers(0, 1000)),
    )


def _calls(colour: Colour, *, may_hang: bool) -> st.SearchStrategy[Call]:
    fates = [fate for fate in Fate if fate is not Fate.NEVER or may_hang]
    sizes = st.sampled_from([0, 0, 0, 3_000, 30_000])
    patient = st.builds(Call, st.sampled_from(fates), sizes, notices=st.integers(0, 2))
    if colour not in CANCELLABLE:
        return patient
    return patient | st.builds(Call, st.sampled_from(Fate), sizes, st.integers(0, 6), st.integers(0, 2))


class ScriptedPeer:
    """The supervisor of the model, on a thread of its own."""

    def __init__(self, sock: socket.socket, script: Script) -> None:
        self._sock, self._script = sock, script
        self._random = random.Random(script.seed)
        self._keys = script.keys
        self._conversation = Conversation(Request, Notice)
        self._late: list[Asked] = []
        self._left = script.dies_after
        self.told: list[Told] = []

    def run(self) -> None:
        try:
            while self._take(self._received()):
                pass
        except OSError:
            pass
        finally:
            self._sock.close()

    def _received(self) -> bytes:
        # When nobody says anything more, those that were left for later are answered, or the end has come.
        while True:
            self._sock.settimeout(0.002 if self._late or self._script.may_be_gone() else None)
            try:
                return self._sock.recv(self._script.chunk)
            except TimeoutError:
                if not self._late:
                    return b""
                self._answer_late()

    def _take(self, data: bytes) -> bool:
        for received in self._conversation.receive(data):
            if isinstance(received, Told):
                self.told.append(received)
            elif isinstance(received, Asked) and not self._takes(received):
                return False
        return bool(data)

    def _takes(self, asked: Asked) -> bool:
        if self._left == 0:
            if self._script.dies_talking:
                self._send(b"\xff" * 40)
            return False
        if self._left is not None:
            self._left -= 1
        request = asked.request
        assert isinstance(request, GetVariable)
        match self._keys[request.key].fate:
            case Fate.AT_ONCE:
                self._answer(asked)
            case Fate.FAILED:
                error = error_answer(VariableNotFound(request.key, ("the model",)))
                self._send(self._conversation.answer(asked.id, error))
            case Fate.LATE:
                self._late.append(asked)
        return True

    def _answer_late(self) -> None:
        self._random.shuffle(self._late)
        while self._late:
            self._answer(self._late.pop())

    def _answer(self, asked: Asked) -> None:
        assert isinstance(asked.request, GetVariable)
        self._send(self._conversation.answer(asked.id, VariableFound(value_of(asked.request.key))))

    def _send(self, data: bytes) -> None:
        self._sock.settimeout(None)
        # What the other side said before it closed is still there to be read.
        with suppress(BrokenPipeError, ConnectionResetError):
            self._sock.sendall(data)


def value_of(key: str) -> str:
    return key[::-1]


Outcome = str | FlowcoreError | None


class Play:
    """Carries a script out; `outcomes` has a value, an error, or None for a cancelled one, by key."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.outcomes: dict[str, Outcome] = {}
        ours, theirs = socket.socketpair()
        for sock in (ours, theirs):
            # As small as it gets, so that both sides often find it full.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        self.decoder, self.peer = Decoder(ours), ScriptedPeer(theirs, script)

    def run(self) -> None:
        threads = [threading.Thread(target=target, daemon=True) for target in self._targets()]
        peer = threading.Thread(target=self.peer.run, daemon=True)
        for thread in (peer, *threads):
            thread.start()
        for caller, (colour, _) in enumerate(self.script.callers):
            if colour is Colour.MAIN:
                self._call_all(caller)
        for thread in threads:
            thread.join(_STUCK_S)
            assert not thread.is_alive(), f"somebody hangs; answered: {sorted(self.outcomes)}"
        self.decoder.close()
        peer.join(_STUCK_S)
        assert not peer.is_alive()

    def _targets(self) -> Iterator[Callable[[], None]]:
        for caller, (colour, _) in enumerate(self.script.callers):
            if colour is Colour.THREAD:
                yield lambda caller=caller: self._call_all(caller)
        for backend, colours in LOOPS.items():
            callers = [n for n, (colour, _) in enumerate(self.script.callers) if colour in colours]
            if callers:
                yield lambda backend=backend, callers=callers: anyio.run(
                    self._run_loop, callers, backend=backend
                )

    async def _run_loop(self, callers: list[int]) -> None:
        async with anyio.create_task_group() as nursery:
            for caller in callers:
                nursery.start_soon(self._acall_all, caller)

    def _call_all(self, caller: int) -> None:
        for key, call in self._calls(caller):
            with self._noting(key):
                self._tell(call)
                self.outcomes[key] = self.decoder.send(GetVariable(key)).value

    async def _acall_all(self, caller: int) -> None:
        colour, _ = self.script.callers[caller]
        for key, call in self._calls(caller):
            await checkpoint()
            with self._noting(key):
                self._tell(call)
                if colour in CANCELLABLE:
                    await self._acall(key, call)
                else:
                    self.outcomes[key] = self.decoder.send(GetVariable(key)).value

    async def _acall(self, key: str, call: Call) -> None:
        if call.cancelled_after is None:
            self.outcomes[key] = (await self.decoder.asend(GetVariable(key))).value
            return
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as nursery:
                nursery.start_soon(_cancel, scope, call.cancelled_after)
                # An error must not come in a group.
                with self._noting(key):
                    self.outcomes[key] = (await self.decoder.asend(GetVariable(key))).value
                nursery.cancel_scope.cancel()
        self.outcomes.setdefault(key, None)

    def _calls(self, caller: int) -> Iterator[tuple[str, Call]]:
        for number, call in enumerate(self.script.callers[caller][1]):
            yield key_of(caller, number, call), call

    def _tell(self, call: Call) -> None:
        for _ in range(call.notices):
            self.decoder.post(LogLines(("x" * call.size,)))

    @contextmanager
    def _noting(self, key: str) -> Iterator[None]:
        try:
            yield
        except FlowcoreError as error:
            self.outcomes[key] = error


async def _cancel(scope: anyio.CancelScope, rounds: int) -> None:
    for _ in range(rounds):
        await checkpoint()
    scope.cancel()


def check(play: Play) -> None:
    """Everybody got their own answer, their own error, or what became of the peer."""
    script = play.script
    assert play.outcomes.keys() == script.keys.keys()
    for key, call in script.keys.items():
        outcome = play.outcomes[key]
        if isinstance(outcome, PeerGone | ProtocolError):
            assert script.may_be_gone(), f"{key:.20}: {outcome}"
        elif outcome is None:
            assert call.cancelled_after is not None
        elif call.fate is Fate.FAILED:
            assert isinstance(outcome, VariableNotFound)
            assert outcome.key == key
        else:
            assert call.fate is not Fate.NEVER
            assert outcome == value_of(key)
    if not script.may_be_gone():
        assert len(play.peer.told) == sum(call.notices for call in script.keys.values())

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.from_thread
import anyio.to_thread
import pytest

from flowcore.errors import MessageTooLarge, PeerGone, ProtocolError, VariableNotFound
from flowcore.runner.processes.channels import SupervisorChannel
from flowcore.sdk.comms.decoder import Decoder
from flowcore.sdk.comms.framing import PAYLOAD_MAX
from flowcore.sdk.comms.line import UNSENT_MAX
from flowcore.sdk.comms.messages import (
    Answer,
    CancelTry,
    GetVariable,
    LogLines,
    Notice,
    Request,
    TryBegun,
    VariableFound,
)

Answering = Callable[[Request[Any], int | None], Awaitable[Answer]]


class Notes:
    """Takes notices, after a gate if there is one."""

    def __init__(self, gate: anyio.Event | None = None) -> None:
        self.gate, self.taken = gate, []  # type: ignore[var-annotated]

    async def take(self, notice: Notice, ref: int | None) -> None:
        if self.gate is not None:
            await self.gate.wait()
        self.taken.append((notice, ref))


async def echo(request: Request[Any], ref: int | None) -> Answer:
    assert isinstance(request, GetVariable)
    return VariableFound(f"{ref}:{request.key}")


@asynccontextmanager
async def supervised(
    answer: Answering = echo, notes: Notes | None = None, **options: Any
) -> AsyncIterator[tuple[Decoder, SupervisorChannel]]:
    """A child's decoder, and the channel that serves it."""
    ours, theirs = socket.socketpair()
    decoder = Decoder(theirs)
    channel = SupervisorChannel(ours, answer=answer, note=(notes or Notes()).take, **options)
    async with anyio.create_task_group() as nursery:
        nursery.start_soon(channel.serve)
        try:
            yield decoder, channel
        finally:
            nursery.cancel_scope.cancel()
    decoder.close()
    ours.close()


async def test_requests_are_answered_for_their_try() -> None:
    async with supervised() as (decoder, _):
        assert (await decoder.bound_to(7).asend(GetVariable("a"))).value == "7:a"
        assert (await anyio.to_thread.run_sync(decoder.send, GetVariable("b"))).value == "None:b"


async def test_a_slow_request_delays_no_other() -> None:
    gate, order = anyio.Event(), []

    async def answer(request: Request[Any], ref: int | None) -> Answer:
        if request.key == "slow":
            await gate.wait()
        return VariableFound(request.key)

    async def ask(decoder: Decoder, key: str) -> None:
        order.append((await decoder.asend(GetVariable(key))).value)
        gate.set()

    async with supervised(answer) as (decoder, _), anyio.create_task_group() as nursery:
        nursery.start_soon(ask, decoder, "slow")
        await anyio.wait_all_tasks_blocked()
        nursery.start_soon(ask, decoder, "quick")
    assert order == ["quick", "slow"]


async def test_errors_are_answers() -> None:
    async def miss(request: Request[Any], ref: int | None) -> Answer:
        raise VariableNotFound(request.key, ("vault",))

    async with supervised(miss) as (decoder, _):
        with pytest.raises(VariableNotFound, match="'a' in vault"):
            await decoder.asend(GetVariable("a"))


async def test_an_answer_that_is_too_large_is_an_error_of_its_request_only() -> None:
    async def answer(request: Request[Any], ref: int | None) -> Answer:
        return VariableFound("x" * (PAYLOAD_MAX if request.key == "large" else 1))

    async with supervised(answer) as (decoder, _):
        with pytest.raises(MessageTooLarge, match="with an XCom backend"):
            await decoder.asend(GetVariable("large"))
        assert (await decoder.asend(GetVariable("small"))).value == "x"


async def test_notices_are_taken_in_their_order() -> None:
    notes = Notes()
    async with supervised(notes=notes) as (decoder, _):
        for number in range(5):
            decoder.post(LogLines((str(number),)), ref=number)
        await decoder.asend(GetVariable("a"))
    assert notes.taken == [(LogLines((str(number),)), number) for number in range(5)]


async def test_a_child_that_says_more_than_can_be_stored_is_slowed_down() -> None:
    notes, kept = Notes(gate := anyio.Event()), []

    def say(decoder: Decoder) -> None:
        for number in range(100):
            decoder.post(LogLines(("x" * 100_000,)), ref=number)
            kept.append(decoder._line.unsent)
            if number == 9:
                anyio.from_thread.run_sync(gate.set)

    async with supervised(notes=notes) as (decoder, channel), anyio.create_task_group() as nursery:
        nursery.start_soon(decoder.areceive)  # somebody waits, and sends what the supervisor does not take
        await anyio.wait_all_tasks_blocked()
        await anyio.to_thread.run_sync(say, decoder)
        channel.order(CancelTry("enough"))
        await decoder.asend(GetVariable("after all of that"))
    assert 0 < max(kept) <= UNSENT_MAX
    assert [ref for _, ref in notes.taken] == list(range(100))


async def test_large_requests_and_answers_pass_each_other() -> None:
    async def answer(request: Request[Any], ref: int | None) -> Answer:
        return VariableFound(request.key)

    async def ask(decoder: Decoder, number: int) -> None:
        key = str(number) * 3_000_000
        assert (await decoder.asend(GetVariable(key))).value == key

    async with supervised(answer) as (decoder, _), anyio.create_task_group() as nursery:
        for number in range(4):
            nursery.start_soon(ask, decoder, number)


async def test_no_more_requests_than_allowed_are_under_way() -> None:
    under_way, counts = set(), []
    full, gate = anyio.Event(), anyio.Event()

    async def answer(request: Request[Any], ref: int | None) -> Answer:
        under_way.add(request.key)
        counts.append(len(under_way))
        if len(under_way) == 3:
            full.set()
        await gate.wait()
        under_way.remove(request.key)
        return VariableFound(request.key)

    async with supervised(answer, requests_max=3) as (decoder, _), anyio.create_task_group() as nursery:
        for number in range(10):
            nursery.start_soon(decoder.asend, GetVariable(str(number)))
        await full.wait()
        await anyio.wait_all_tasks_blocked()
        gate.set()
    assert len(counts) == 10
    assert max(counts) == 3


async def test_orders_reach_the_child() -> None:
    async with supervised() as (decoder, channel):
        channel.order(CancelTry("too late"), 4)
        assert await decoder.areceive() == (CancelTry("too late"), 4)


async def test_serving_ends_with_the_child() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        Decoder(theirs).post(TryBegun())
        theirs.close()
        notes = Notes()
        channel = SupervisorChannel(ours, answer=echo, note=notes.take)
        await channel.serve()
        channel.order(CancelTry("nobody hears this"))
    assert notes.taken == [(TryBegun(), None)]


async def test_a_child_that_talks_nonsense_is_told_of() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"GET / HTTP/1.1\r\n\r\n")
        with pytest.raises(ProtocolError, match="announced a frame of 1195725856 bytes"):
            await SupervisorChannel(ours, answer=echo, note=Notes().take).serve()


async def test_a_child_notices_that_its_supervisor_is_gone() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        decoder = Decoder(theirs)
        async with anyio.create_task_group() as nursery:
            nursery.start_soon(expect_gone, decoder)
            await anyio.wait_all_tasks_blocked()
            ours.close()


async def expect_gone(decoder: Decoder) -> None:
    with pytest.raises(PeerGone, match="the supervisor is gone"):
        await decoder.asend(GetVariable("a"))
    with pytest.raises(PeerGone):
        decoder.post(TryBegun())

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor

import anyio
import pytest

from flowcore.errors import PeerGone, VariableNotFound
from flowcore.sdk.comms.messages import CancelTry, GetVariable, TryBegun
from flowcore.sdk.comms.protocol import Told
from tests.sdk.comms.peers import answering, echo


def test_a_function_gets_its_answer() -> None:
    with answering() as (decoder, _):
        assert decoder.send(GetVariable("a")).value == "a"


def test_threads_get_their_own_answers() -> None:
    with answering() as (decoder, _), ThreadPoolExecutor(8) as pool:
        keys = [f"k{number}" for number in range(400)]
        assert [found.value for found in pool.map(decoder.send, map(GetVariable, keys))] == keys


async def test_coroutines_get_their_own_answers() -> None:
    values = {}

    async def ask(key: str) -> None:
        values[key] = (await decoder.asend(GetVariable(key))).value

    with answering() as (decoder, _):
        async with anyio.create_task_group() as nursery:
            for number in range(100):
                nursery.start_soon(ask, f"k{number}")
    assert values == {f"k{number}": f"k{number}" for number in range(100)}


async def test_a_blocking_call_on_the_loop_is_answered_while_coroutines_wait() -> None:
    with answering() as (decoder, _):
        async with anyio.create_task_group() as nursery:
            for number in range(50):
                nursery.start_soon(decoder.asend, GetVariable(f"k{number}"))
            await anyio.lowlevel.checkpoint()
            assert decoder.send(GetVariable("now")).value == "now"


async def test_coroutines_are_answered_while_a_thread_waits() -> None:
    with answering(lambda request: echo(request) if request.key == "a" else None) as (decoder, peer):
        async with anyio.create_task_group() as nursery:
            nursery.start_soon(anyio.to_thread.run_sync, expect_gone, decoder)
            assert (await decoder.asend(GetVariable("a"))).value == "a"
            peer.sock.shutdown(socket.SHUT_RDWR)


def expect_gone(decoder) -> None:
    with pytest.raises(PeerGone):
        decoder.send(GetVariable("never"))


async def test_errors_are_of_the_same_class_on_both_sides() -> None:
    def miss(request: GetVariable) -> None:
        raise VariableNotFound(request.key, ("vault", "database"))

    with (
        answering(miss) as (decoder, _),
        pytest.raises(VariableNotFound, match="in vault, d") as caught,
    ):
        await decoder.asend(GetVariable("a"))
    assert (caught.value.key, caught.value.searched) == ("a", ("vault", "database"))


async def test_a_cancelled_request_is_forgotten_and_the_stream_stays_in_step() -> None:
    with answering() as (decoder, _):
        with anyio.move_on_after(0):
            await decoder.asend(GetVariable("late"))
        assert (await decoder.asend(GetVariable("a"))).value == "a"


async def test_notices_carry_the_reference_of_their_try() -> None:
    with answering() as (decoder, peer):
        bound = decoder.bound_to(3)
        bound.post(TryBegun())
        await bound.asend(GetVariable("a"))
        assert peer.told == [Told(TryBegun(), 3)]
        assert [asked.ref for asked in peer.asked] == [3]


async def test_orders_are_received_in_their_order() -> None:
    with answering() as (decoder, peer):
        peer.order(CancelTry("one"), 1)
        peer.order(CancelTry("two"), 2)
        assert await decoder.areceive() == (CancelTry("one"), 1)
        assert decoder.receive() == (CancelTry("two"), 2)

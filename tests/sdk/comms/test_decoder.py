from __future__ import annotations

import os
import random
import signal
import socket
from concurrent.futures import ThreadPoolExecutor

import anyio
import pytest

from flowcore.errors import PeerGone, UsageError, VariableNotFound
from flowcore.sdk.comms.decoder import Decoder
from flowcore.sdk.comms.interrupts import interrupt
from flowcore.sdk.comms.messages import CancelTry, GetVariable, TryBegun, VariableFound
from flowcore.sdk.comms.protocol import Told
from tests.sdk.comms.lines import wait_until
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


def test_a_process_that_a_task_has_forked_is_told_to_ask_elsewhere() -> None:
    with answering() as (decoder, _):
        pid = os.fork()
        if not pid:
            # It does not hold the socket either: else nobody would see the task's process end.
            os._exit(42 if decoder._line.sock.fileno() == -1 and refuses(decoder) else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 42
        assert decoder.send(GetVariable("a")).value == "a"


def refuses(decoder: Decoder) -> bool:
    try:
        decoder.send(GetVariable("a"))
    except UsageError as error:
        return "a process that a task has forked cannot use" in str(error)
    return False


class Interrupted(BaseException):
    """What the signal handler raises."""


def interrupt_the_call(*_: object) -> None:
    interrupt(Interrupted())


@pytest.mark.slow
# An interrupt that arrives inside of a finalizer is swallowed by Python.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_interrupts_lose_no_message() -> None:
    interrupts = 0
    before = signal.signal(signal.SIGALRM, interrupt_the_call)
    try:
        with answering() as (decoder, _):
            for number in range(2_000):
                try:
                    signal.setitimer(signal.ITIMER_REAL, random.Random(number).uniform(1e-6, 3e-4))
                    assert decoder.send(GetVariable(str(number))).value == str(number)
                    signal.setitimer(signal.ITIMER_REAL, 0)
                except Interrupted:
                    interrupts += 1
            assert decoder.send(GetVariable("after all")).value == "after all"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert interrupts > 0


def is_waiting(decoder: Decoder) -> bool:
    """Whether some thread waits for the socket, and is past everything else."""
    return bool(decoder._threads._leaders) and not decoder._line.section._entered


def test_what_a_signal_handler_says_and_asks_in_the_middle_of_a_call_arrives() -> None:
    with answering() as (decoder, peer):

        def handle(*_: object) -> None:
            decoder.post(TryBegun())
            answers.append(decoder.send(GetVariable("on top")).value)

        def signal_first(request: GetVariable) -> VariableFound | None:
            if request.key == "held":
                wait_until(lambda: is_waiting(decoder))
                os.kill(os.getpid(), signal.SIGALRM)
                return None
            peer.answer_held()
            return echo(request)

        answers: list[str] = []
        before = signal.signal(signal.SIGALRM, handle)
        peer.answer = signal_first
        assert decoder.send(GetVariable("held")).value == "held"
        signal.signal(signal.SIGALRM, before)
    assert answers == ["on top"]
    assert peer.told == [Told(TryBegun())]


@pytest.mark.slow
async def test_blocking_calls_on_the_loop_never_hang_while_coroutines_wait() -> None:
    with answering(hold_back) as (decoder, peer):
        async with anyio.create_task_group() as nursery:
            for number in range(50):
                nursery.start_soon(decoder.asend, GetVariable(f"held {number}"))
            await anyio.wait_all_tasks_blocked()
            for number in range(1_000):
                assert decoder.send(GetVariable(str(number))).value == str(number)
                if number % 20 == 0:  # one of those who wait is answered meanwhile
                    peer.answer_held()
                    await anyio.lowlevel.checkpoint()
            peer.answer_held(50)


def hold_back(request: GetVariable) -> VariableFound | None:
    return None if request.key.startswith("held") else echo(request)

from __future__ import annotations

import threading

import anyio
import anyio.to_thread
import pytest

from flowcore.errors import UsageError, VariableNotFound
from flowcore.runner.answers import Answers
from flowcore.runner.loop_comms import LoopComms
from flowcore.sdk import Variable
from flowcore.sdk.comms.messages import GetVariable
from flowcore.sdk.comms.questions import Question, ask, awaiting, blocking, call, process_comms
from tests.runner.tries import sources_of, workload_of
from tests.support.secret_backends import KeptSource, current_source


def _pair(one: str, other: str) -> Question[tuple[str, str]]:
    """Two variables."""
    first = yield from ask(GetVariable(one))
    second = yield from ask(GetVariable(other))
    return first.value, second.value


pair, apair = blocking(_pair, face="pair.get"), awaiting(_pair)


async def test_both_colours_ask_the_same() -> None:
    with current_source(KeptSource()):
        found = await apair("colour", "sizes")
        assert found == ("green", "[1, 2]") == await anyio.to_thread.run_sync(pair, "colour", "sizes")


async def test_a_question_sees_the_error_of_its_request() -> None:
    with current_source(KeptSource()), pytest.raises(VariableNotFound):
        await apair("colour", "absent")


async def test_on_an_embedders_loop_a_blocking_call_is_refused() -> None:
    with (
        current_source(KeptSource()),
        pytest.raises(UsageError, match=r"use `await Variable\.aget\(\.\.\.\)`"),
    ):
        Variable.get("colour")


async def test_tries_do_not_see_each_others_source() -> None:
    one, other, answers = KeptSource(), KeptSource(), []
    other.variables["colour"] = "blue"

    async def run_try(own: KeptSource) -> None:
        with current_source(own):
            await anyio.lowlevel.checkpoint()
            answers.append(await Variable.aget("colour"))

    async with anyio.create_task_group() as nursery:
        nursery.start_soon(run_try, one)
        nursery.start_soon(run_try, other)
    assert sorted(answers) == ["blue", "green"]


async def test_threads_that_the_author_started_ask_the_process() -> None:
    found: list[str] = []

    def run_thread() -> None:
        thread = threading.Thread(target=lambda: found.append(Variable.get("colour")))
        thread.start()
        thread.join()

    with process_comms(LoopComms(Answers(workload_of("t"), sources_of(secrets=KeptSource())))):
        await anyio.to_thread.run_sync(run_thread)
    assert found == ["green"]


def _wait(function) -> Question[int]:
    """A call that may wait, and a question."""
    found = yield from call(function)
    yield from ask(GetVariable("colour"))
    return found


wait, await_ = blocking(_wait, face="wait.get"), awaiting(_wait)


async def test_what_may_wait_is_done_in_a_thread_for_coroutines_and_at_once_for_functions() -> None:
    with current_source(KeptSource()):
        assert await await_(threading.get_ident) != threading.get_ident()
        asked_in, called_in = await anyio.to_thread.run_sync(
            lambda: (threading.get_ident(), wait(threading.get_ident))
        )
        assert asked_in == called_in


async def test_a_question_sees_the_error_of_a_call() -> None:
    def fail() -> int:
        raise ValueError

    def _try() -> Question[str]:
        try:
            yield from call(fail)
        except ValueError:
            return "seen"
        return "unseen"

    with current_source(KeptSource()):
        assert await awaiting(_try)() == "seen" == blocking(_try, face="try.get")()

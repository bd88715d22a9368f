from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio
import attrs
import pytest

from flowcore.concurrency.wakeups import Wakeups
from flowcore.domain.dag_callbacks import CallbackEnd, DagCallback, Occasion
from flowcore.errors import DatabaseUnavailable
from flowcore.scheduler.callback_calls import CallbackCalls, CallLost
from flowcore.scheduler.wake_graph import Channel
from tests.runner.tries import MOMENT, RUN


def callback(number: int = 1) -> DagCallback:
    return DagCallback(
        id=number, token=1, occasion=Occasion.SUCCESS, reason="success", happened_at=MOMENT, run=RUN
    )


@attrs.define
class Caller:
    """Goes on until it is let go, and then does what it is told."""

    outcome: Callable[[], str | None] = lambda: None
    gate: anyio.Event = attrs.field(factory=anyio.Event)

    def has_dag(self, dag_id: str) -> bool:
        return True

    async def call(self, callback: DagCallback) -> str | None:
        await self.gate.wait()
        return self.outcome()


def raising(error: Exception) -> Callable[[], str | None]:
    def outcome() -> str | None:
        raise error

    return outcome


@asynccontextmanager
async def serving(caller: Caller) -> AsyncIterator[CallbackCalls]:
    calls = CallbackCalls(caller, Wakeups(), places=2)
    with anyio.fail_after(30):
        async with anyio.create_task_group() as nursery:
            await nursery.start(calls.serve)
            yield calls
            nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("outcome", "error", "given_back"),
    [
        (lambda: None, None, False),
        (lambda: "it raised", "it raised", False),
        (raising(CallLost("gone")), "gone", True),
        (raising(DatabaseUnavailable("away")), "away", True),
        (raising(ZeroDivisionError("ours")), "ZeroDivisionError: ours", False),
    ],
)
async def test_each_call_comes_to_one_end(
    outcome: Callable[[], str | None], error: str | None, given_back: bool
) -> None:
    caller = Caller(outcome)
    caller.gate.set()
    async with serving(caller) as calls:
        calls.submit(callback())
        await calls.wait_idle()
        assert calls.over == [CallbackEnd(callback_id=1, token=1, error=error, given_back=given_back)]


async def test_calls_that_hang_take_no_more_than_their_places() -> None:
    caller = Caller()
    async with serving(caller) as calls:
        calls.submit(callback(1))
        assert calls.free_places == 1
        calls.submit(callback(2))
        assert calls.free_places == 0
        caller.gate.set()
        await calls.wait_idle()
        assert calls.free_places == 2


async def test_what_is_cut_off_has_no_end_and_is_called_again() -> None:
    async with serving(Caller()) as calls:
        calls.submit(callback())
        await anyio.wait_all_tasks_blocked()
    assert (calls.over, calls.free_places) == ([], 0)


async def test_nothing_is_taken_once_it_is_closed() -> None:
    async with serving(Caller()) as calls:
        calls.close()
        assert calls.free_places == 0


async def test_the_end_of_a_call_wakes_who_writes_it() -> None:
    caller = Caller()
    caller.gate.set()
    async with serving(caller) as calls:
        seen = calls.wakeups.versions([Channel.CALLS_OVER])
        calls.submit(callback())
        await calls.wakeups.after_any(seen, timeout_s=20)
        assert len(calls.over) == 1

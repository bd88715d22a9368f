from __future__ import annotations

from collections.abc import Iterator

import anyio
import anyio.to_thread
import pytest
from anyio.lowlevel import checkpoint, current_token

from flowcore.sdk.comms.awaiting import LoopTurns, LoopWaiter
from flowcore.sdk.comms.line import Line
from flowcore.sdk.comms.messages import GetVariable
from flowcore.sdk.comms.protocol import Told
from tests.sdk.comms.lines import FOUND, LARGE, Far, opened_line

ASK = GetVariable("colour")


@pytest.fixture
def ends() -> Iterator[tuple[Line, Far]]:
    with opened_line() as ends:
        yield ends


@pytest.fixture
async def turns(ends: tuple[Line, Far]) -> LoopTurns:
    return LoopTurns(ends[0], current_token())


def asked(line: Line, turns: LoopTurns) -> tuple[LoopWaiter, int]:
    waiter = LoopWaiter(turns)
    return waiter, line.ask(ASK, None, waiter)


async def test_the_leader_reads_for_the_others_and_hands_the_lead_on(
    ends: tuple[Line, Far], turns: LoopTurns
) -> None:
    line, far = ends
    (first, first_id), (second, second_id), (third, third_id) = (asked(line, turns) for _ in range(3))
    async with anyio.create_task_group() as nursery:
        nursery.start_soon(turns.wait, first)
        await anyio.wait_all_tasks_blocked()
        nursery.start_soon(turns.wait, third)
        far.answer(second_id)
        await turns.wait(second)
        assert turns.leader is first
        far.answer(first_id)
        while turns.leader is not third:
            await checkpoint()
        far.answer(third_id)
    assert turns.is_unused


async def test_a_cancelled_leader_hands_the_lead_on(ends: tuple[Line, Far], turns: LoopTurns) -> None:
    line, far = ends
    (first, _), (second, second_id) = asked(line, turns), asked(line, turns)
    async with anyio.create_task_group() as nursery:
        with anyio.CancelScope() as scope:
            nursery.start_soon(turns.wait, second)
            scope.cancel()
            await turns.wait(first)
        await anyio.wait_all_tasks_blocked()
        assert turns.leader is second
        far.answer(second_id)
    assert second.outcome == FOUND


async def test_a_leader_whose_answer_another_thread_has_read_is_told(
    ends: tuple[Line, Far], turns: LoopTurns
) -> None:
    line, far = ends
    waiter, request_id = asked(line, turns)
    async with anyio.create_task_group() as nursery:
        nursery.start_soon(turns.wait, waiter)
        await anyio.wait_all_tasks_blocked()
        # The loop is not let in between: it does not see that there is something to read.
        far.answer(request_id)
        line.pump()
        await anyio.wait_all_tasks_blocked()
        assert turns.is_unused


async def test_a_thread_wakes_the_loop(ends: tuple[Line, Far], turns: LoopTurns) -> None:
    line, _ = ends
    waiter, _ = asked(line, turns)

    def deliver() -> None:
        with line.section:
            waiter.outcome = FOUND
            waiter.wake()

    async with anyio.create_task_group() as nursery:
        nursery.start_soon(turns.wait, waiter)
        await anyio.wait_all_tasks_blocked()
        await anyio.to_thread.run_sync(deliver)
    assert turns.is_unused


async def test_a_leader_sends_what_others_could_not(ends: tuple[Line, Far], turns: LoopTurns) -> None:
    line, far = ends
    waiter, request_id = asked(line, turns)
    async with anyio.create_task_group() as nursery:
        nursery.start_soon(turns.wait, waiter)
        await anyio.wait_all_tasks_blocked()
        line.tell(LARGE, None)
        assert (await anyio.to_thread.run_sync(far.receive, 2))[1] == Told(LARGE)
        far.answer(request_id)


async def test_a_leader_leaves_nothing_unsent(ends: tuple[Line, Far], turns: LoopTurns) -> None:
    line, far = ends
    waiter, request_id = asked(line, turns)
    line.tell(LARGE, None)
    far.answer(request_id)
    async with anyio.create_task_group() as nursery:
        nursery.start_soon(turns.wait, waiter)
        assert (await anyio.to_thread.run_sync(far.receive, 2))[1] == Told(LARGE)
    assert line.unsent == 0

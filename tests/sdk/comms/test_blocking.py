from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from flowcore.errors import PeerGone
from flowcore.sdk.comms.blocking import ThreadTurns, ThreadWaiter
from flowcore.sdk.comms.line import Line
from flowcore.sdk.comms.messages import GetVariable, TryBegun
from flowcore.sdk.comms.protocol import Told
from tests.sdk.comms.lines import FOUND, LARGE, Far, in_thread, opened_line, wait_until

ASK = GetVariable("colour")


@pytest.fixture
def ends() -> Iterator[tuple[Line, Far]]:
    with opened_line() as ends:
        yield ends


@pytest.fixture
def turns(ends: tuple[Line, Far]) -> Iterator[ThreadTurns]:
    turns = ThreadTurns(ends[0])
    yield turns
    turns.close()


def asked(line: Line, turns: ThreadTurns) -> tuple[ThreadWaiter, int]:
    waiter = ThreadWaiter(turns)
    return waiter, line.ask(ASK, None, waiter)


def test_the_leader_reads_for_the_others_and_hands_the_lead_on(
    ends: tuple[Line, Far], turns: ThreadTurns
) -> None:
    line, far = ends
    (first, first_id), (second, second_id), (third, third_id) = (asked(line, turns) for _ in range(3))
    with in_thread(lambda: turns.wait(first)):
        wait_until(lambda: turns.leads(first))
        with in_thread(lambda: turns.wait(second)), in_thread(lambda: turns.wait(third)):
            far.answer(second_id)
            wait_until(lambda: second.outcome is not None)
            far.answer(first_id)
            wait_until(lambda: turns.leads(third))
            far.answer(third_id)
    assert [waiter.outcome for waiter in (first, second, third)] == [FOUND] * 3


def test_a_leader_whose_answer_another_one_has_read_is_told(
    ends: tuple[Line, Far], turns: ThreadTurns
) -> None:
    line, _ = ends
    waiter, _ = asked(line, turns)
    with in_thread(lambda: turns.wait(waiter)):
        wait_until(lambda: turns.leads(waiter))
        with line.section:
            waiter.outcome = FOUND
            waiter.wake()
    assert line.leads == set()


def test_a_leader_sends_what_others_could_not(ends: tuple[Line, Far], turns: ThreadTurns) -> None:
    line, far = ends
    waiter, request_id = asked(line, turns)
    with in_thread(lambda: turns.wait(waiter)):
        wait_until(lambda: turns.leads(waiter))
        line.tell(LARGE, None)
        assert line.unsent
        assert far.receive(2)[1] == Told(LARGE)
        far.answer(request_id)


def test_a_leader_leaves_nothing_unsent(ends: tuple[Line, Far], turns: ThreadTurns) -> None:
    line, far = ends
    waiter, request_id = asked(line, turns)
    line.tell(LARGE, None)
    far.answer(request_id)
    with in_thread(lambda: turns.wait(waiter)):
        assert far.receive(2)[1] == Told(LARGE)
    assert line.unsent == 0


def test_who_waits_to_send_reads_meanwhile(ends: tuple[Line, Far], turns: ThreadTurns) -> None:
    line, far = ends
    waiter, request_id = asked(line, turns)
    line.tell(LARGE, None)
    far.answer(request_id)
    with in_thread(lambda: turns.flush(0)):
        wait_until(lambda: waiter.outcome == FOUND)
        far.receive(2)


def test_who_waits_to_send_takes_no_nudge_from_the_leader(ends: tuple[Line, Far], turns: ThreadTurns) -> None:
    line, far = ends
    turns.nudge()
    line.tell(LARGE, None)
    with in_thread(lambda: turns.flush(0)):
        assert far.receive(1) == [Told(LARGE)]
    assert os.read(turns._wake_read, 10) == b"!"


def test_a_call_on_top_of_a_waiting_one_is_answered_and_so_is_the_other(
    ends: tuple[Line, Far], turns: ThreadTurns
) -> None:
    """As a signal handler makes it while its thread waits."""
    line, far = ends
    below, below_id = asked(line, turns)
    with line.section:
        turns._has_to_wait(below)
    above, above_id = asked(line, turns)
    far.answer(below_id)
    far.answer(above_id)
    turns.wait(above)
    assert (above.outcome, turns.leads(below)) == (FOUND, True)
    turns.wait(below)
    assert below.outcome == FOUND


def test_everybody_is_told_when_the_peer_is_gone(ends: tuple[Line, Far], turns: ThreadTurns) -> None:
    line, far = ends
    waiters = [asked(line, turns)[0] for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        waits = [pool.submit(turns.wait, waiter) for waiter in waiters]
        far.close()
        for wait in waits:
            wait.result(20)
    assert {type(waiter.outcome) for waiter in waiters} == {PeerGone}
    with pytest.raises(PeerGone):
        line.tell(TryBegun(), None)

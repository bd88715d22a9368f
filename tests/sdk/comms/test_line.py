from __future__ import annotations

from collections.abc import Iterator

import attrs
import pytest

from flowcore.errors import MessageTooLarge, PeerGone, ProtocolError, UsageError
from flowcore.sdk.comms.framing import PAYLOAD_MAX
from flowcore.sdk.comms.line import Line, Outcome
from flowcore.sdk.comms.messages import CancelTry, GetVariable, TryBegun
from flowcore.sdk.comms.protocol import Told
from tests.sdk.comms.lines import FOUND, LARGE, Far, opened_line

ASK = GetVariable("colour")


@attrs.define
class Waiting:
    outcome: Outcome | None = None
    wakings: int = 0

    def wake(self) -> None:
        self.wakings += 1


@pytest.fixture
def ends() -> Iterator[tuple[Line, Far]]:
    with opened_line() as ends:
        yield ends


def test_an_outcome_is_set_and_its_waiter_woken(ends: tuple[Line, Far]) -> None:
    line, far = ends
    waiter = Waiting()
    far.answer(line.ask(ASK, None, waiter))
    line.pump()
    assert waiter == Waiting(FOUND, 1)


def test_nonsense_ends_the_conversation_for_everybody(ends: tuple[Line, Far]) -> None:
    line, far = ends
    waiters = [Waiting(), Waiting()]
    request_id = line.ask(ASK, None, waiters[0])
    line.wait_for_order(waiters[1])
    far.answer(request_id + 1)
    line.pump()
    assert [(type(waiter.outcome), waiter.wakings) for waiter in waiters] == [(ProtocolError, 1)] * 2
    with pytest.raises(ProtocolError, match="it answered a request that was never made"):
        line.tell(TryBegun(), None)


def test_what_came_before_the_end_is_handed_out(ends: tuple[Line, Far]) -> None:
    line, far = ends
    first, second = Waiting(), Waiting()
    far.answer(line.ask(ASK, None, first))
    line.ask(ASK, None, second)
    far.close()
    line.pump()
    line.pump()
    assert first.outcome == FOUND
    assert isinstance(second.outcome, PeerGone)


def test_orders_are_kept_until_somebody_asks_for_them(ends: tuple[Line, Far]) -> None:
    line, far = ends
    far.order(CancelTry("one"))
    far.order(CancelTry("two"))
    line.pump()
    waiter = Waiting()
    line.wait_for_order(waiter)
    assert waiter.outcome == Told(CancelTry("one"))


def test_an_order_that_was_handed_out_and_not_taken_is_the_next_one_again(ends: tuple[Line, Far]) -> None:
    line, far = ends
    cancelled, next_one = Waiting(), Waiting()
    line.wait_for_order(cancelled)
    far.order(CancelTry("one"))
    far.order(CancelTry("two"))
    line.pump()
    line.forget_order(cancelled)
    line.wait_for_order(next_one)
    assert next_one.outcome == Told(CancelTry("one"))


def test_what_is_too_large_to_send_harms_nobody(ends: tuple[Line, Far]) -> None:
    line, far = ends
    with pytest.raises(MessageTooLarge):
        line.ask(GetVariable("x" * PAYLOAD_MAX), None, Waiting())
    waiter = Waiting()
    far.answer(line.ask(ASK, None, waiter))
    line.pump()
    assert waiter.outcome == FOUND


def test_what_the_peer_is_gone_before_reading_is_not_kept(ends: tuple[Line, Far]) -> None:
    line, far = ends
    line.tell(LARGE, None)
    far.close()
    line.pump()
    assert line.unsent == 0


def test_in_the_middle_of_another_call_something_is_said_but_nothing_asked(ends: tuple[Line, Far]) -> None:
    line, far = ends
    with line.section:
        line.tell(TryBegun(), None)
        with pytest.raises(UsageError, match="a finalizer or signal handler asked in the middle"):
            line.ask(ASK, None, Waiting())
    assert far.receive(1) == [Told(TryBegun())]

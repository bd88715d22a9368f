from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowcore.errors import MessageTooLarge, ProtocolError
from flowcore.sdk.comms.messages import (
    Answer,
    CancelTry,
    Done,
    GetVariable,
    LogLines,
    Notice,
    Order,
    Request,
    TryBegun,
    VariableFound,
)
from flowcore.sdk.comms.protocol import Answered, Asked, Conversation, Told


@pytest.fixture
def child() -> Conversation:
    return Conversation(Answer, Order)


@pytest.fixture
def supervisor() -> Conversation:
    return Conversation(Request, Notice)


def test_an_answer_finds_its_request(child: Conversation, supervisor: Conversation) -> None:
    request_id, data = child.ask(GetVariable("a"), ref=5)
    assert list(supervisor.receive(data)) == [Asked(request_id, GetVariable("a"), 5)]
    data = supervisor.answer(request_id, VariableFound("green"))
    assert list(child.receive(data)) == [Answered(request_id, VariableFound("green"))]


@given(order=st.permutations(range(10)), forgotten=st.sets(st.integers(0, 9)))
def test_answers_may_come_in_any_order_and_forgotten_ones_are_dropped(
    order: list[int], forgotten: set[int]
) -> None:
    child, supervisor = Conversation(Answer, Order), Conversation(Request, Notice)
    asked = [child.ask(GetVariable(str(number))) for number in range(10)]
    assert len(list(supervisor.receive(b"".join(data for _, data in asked)))) == 10
    for number in forgotten:
        child.forget(asked[number][0])
    answers = b"".join(supervisor.answer(asked[number][0], VariableFound(str(number))) for number in order)
    received = list(child.receive(answers))
    assert [item.answer.value for item in received] == [  # type: ignore[union-attr]
        str(number) for number in order if number not in forgotten
    ]


def test_notices_and_orders_are_told(child: Conversation, supervisor: Conversation) -> None:
    assert list(supervisor.receive(child.tell(TryBegun(), ref=1))) == [Told(TryBegun(), 1)]
    assert list(child.receive(supervisor.tell(CancelTry("why")))) == [Told(CancelTry("why"))]


def test_what_cannot_be_sent_changes_nothing() -> None:
    child = Conversation(Answer, Order, limit=100)
    with pytest.raises(MessageTooLarge):
        child.ask(GetVariable("x" * 200))
    assert child.ask(GetVariable("x"))[0] == 1


def test_an_answer_that_nobody_asked_for_is_refused(child: Conversation, supervisor: Conversation) -> None:
    child.ask(GetVariable("a"))
    with pytest.raises(ProtocolError, match="it answered a request that was never made"):
        list(child.receive(supervisor.answer(2, Done())))


def test_a_second_answer_is_refused(child: Conversation, supervisor: Conversation) -> None:
    request_id, _ = child.ask(GetVariable("a"))
    list(child.receive(supervisor.answer(request_id, Done())))
    with pytest.raises(ProtocolError):
        list(child.receive(supervisor.answer(request_id, Done())))


def test_a_message_in_the_wrong_direction_is_refused(child: Conversation, supervisor: Conversation) -> None:
    with pytest.raises(ProtocolError, match="it sent a LogLines, which is for the other direction"):
        list(child.receive(supervisor.tell(LogLines(()))))


def test_an_id_in_use_is_refused(child: Conversation, supervisor: Conversation) -> None:
    _, data = child.ask(GetVariable("a"))
    list(supervisor.receive(data))
    with pytest.raises(ProtocolError, match="without an id of its own"):
        list(supervisor.receive(data))


def test_what_came_before_nonsense_is_received(child: Conversation, supervisor: Conversation) -> None:
    received = supervisor.receive(child.tell(TryBegun()) + b"\xff\xff\xff\xff")
    assert next(received) == Told(TryBegun())
    with pytest.raises(ProtocolError):
        next(received)


@given(
    keys=st.lists(st.text()), place=st.integers(min_value=0), wrong=st.binary(max_size=8), cut=st.booleans()
)
def test_a_damaged_stream_is_an_error_or_goes_unnoticed_and_nothing_else(
    keys: list[str], place: int, wrong: bytes, cut: bool
) -> None:
    child, supervisor = Conversation(Answer, Order), Conversation(Request, Notice)
    data = b"".join(child.ask(GetVariable(key))[1] for key in keys)
    place %= len(data) + 1
    damaged = data[:place] + wrong + data[place + len(wrong) * cut :]
    with suppress(ProtocolError):
        assert all(isinstance(received, Asked | Told) for received in supervisor.receive(damaged))

from __future__ import annotations

import os
import socket
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowcore.errors import ProtocolError
from flowcore.runner.processes.control import (
    Exited,
    Fork,
    Forked,
    Inbox,
    control_frame,
    exited_frame,
    forked_frame,
)
from flowcore.sdk.comms.envelopes import Envelope


@pytest.fixture
def ends():
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        yield ours, theirs


@pytest.fixture
def pipes():
    fds = [fd for _ in range(2) for fd in os.pipe()]
    yield fds
    for fd in fds:
        os.close(fd)


def same_file(one, other):
    return os.path.samestat(os.fstat(one), os.fstat(other))


def test_orders_arrive_with_their_descriptors(ends, pipes):
    ours, theirs = ends
    inbox = Inbox()
    for number, fds in enumerate([pipes[:3], pipes[1:]]):
        socket.send_fds(theirs, [control_frame(Fork("job", {"a": number}), number)], fds)
    for number, sent in enumerate([pipes[:3], pipes[1:]]):
        assert inbox.receive(ours) == [Envelope(Fork("job", {"a": number}), number)]
        taken = inbox.take_fds()
        assert [same_file(one, other) for one, other in zip(sent, taken, strict=True)] == [True] * 3
        assert not any(os.get_inheritable(fd) for fd in taken)
        for fd in taken:
            os.close(fd)


def test_order_may_arrive_in_pieces(ends, pipes):
    ours, theirs = ends
    inbox = Inbox()
    data = control_frame(Fork("job", {}), 1)
    socket.send_fds(theirs, [data[:3]], pipes[:3])
    assert inbox.receive(ours) == []
    theirs.send(data[3:])
    assert inbox.receive(ours) == [Envelope(Fork("job", {}), 1)]
    inbox.close()


def test_what_nobody_takes_is_closed(ends, pipes):
    ours, theirs = ends
    inbox = Inbox()
    socket.send_fds(theirs, [b"\0"], pipes[:3])
    before = set(os.listdir("/proc/self/fd"))
    inbox.receive(ours)
    assert len(set(os.listdir("/proc/self/fd")) - before) == 3
    inbox.close()
    assert set(os.listdir("/proc/self/fd")) == before


def test_order_without_descriptors_is_a_fault_of_the_peer():
    with pytest.raises(ProtocolError, match="a Fork without its descriptors"):
        Inbox().take_fds()


def test_end_of_the_peer_is_no_message(ends):
    ours, theirs = ends
    theirs.send(control_frame(Forked(1), 1)[:5])
    theirs.close()
    inbox = Inbox()
    assert inbox.receive(ours) == []
    assert inbox.receive(ours) is None


@given(st.binary(min_size=1, max_size=200))
def test_nonsense_is_a_fault_of_the_peer_or_not_yet_a_message(data):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.send(data)
        with suppress(ProtocolError):
            assert Inbox().receive(ours) == []


@pytest.mark.parametrize("code", [0, 1, 255, -9])
def test_what_a_server_says_of_each_child_is_what_any_message_would_be(code):
    assert exited_frame(code, 7) == control_frame(Exited(code), 7)
    assert forked_frame(4711, 7) == control_frame(Forked(4711), 7)

"""The server as a process whose other end is in the hands of the test."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager

import pytest

from flowcore.runner.processes.control import Exited, Fork, Forked, Inbox, ServerReady, control_frame
from tests.runner.children import ROOT, is_alive

pytestmark = pytest.mark.slow


@contextmanager
def server_process():
    """A server that is ready, and our end of its control socket."""
    ours, theirs = socket.socketpair()
    ours.settimeout(20)
    with ours, theirs:
        process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                f"from flowcore.runner.processes.fork_server import serve; serve({theirs.fileno()})",
            ],
            pass_fds=[theirs.fileno()],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stderr=subprocess.PIPE,
        )
        theirs.close()
        # Left first: the server ends with its control socket.
        with process, ours:
            [ready] = Inbox().receive(ours)
            assert ready.message == ServerReady()
            yield ours, process


def order(control, number, job, output, payload=None):
    """Order a child; its comms socket."""
    ours, theirs = socket.socketpair()
    ours.settimeout(20)
    with theirs:
        data = control_frame(Fork(f"tests.runner.jobs:{job}", payload or {}), number)
        socket.send_fds(control, [data], [theirs.fileno(), output.fileno(), output.fileno()])
    return ours


def fork(control, number, job, payload):
    """Ask for a child; its comms socket and pid."""
    with open(os.devnull, "w") as nowhere:
        ours = order(control, number, job, nowhere, payload)
    # Its end may have been told in the same breath.
    answer, *_ = Inbox().receive(control)
    assert isinstance(answer.message, Forked)
    return ours, answer.message.pid


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\xff" * 8,
        control_frame(Exited(0), 1),
        control_frame(Fork("job", {}), 1),
        control_frame(Fork("job", {})),
    ],
    ids=["no frame", "no order", "no descriptors", "no number"],
)
def test_nonsense_ends_the_server_with_a_reason(nonsense):
    with server_process() as (control, process):
        control.send(nonsense)
        assert b"a fork server ends: the process at the other end" in process.stderr.read()
        assert process.wait(20) == 0


@pytest.mark.parametrize("way", ["closed", "nonsense"])
def test_end_of_the_server_is_that_of_everything_below_it(way):
    with server_process() as (control, process):
        comms, child = fork(control, 1, "leave_a_daemon", {"then_wait_s": 1000})
        with comms:
            daemon = int(comms.recv(100))
            if way == "closed":
                control.close()
            else:
                control.send(b"\xff" * 8)
            process.wait(20)
        assert not is_alive(child)
        assert not is_alive(daemon)


def test_signals_of_operators_do_not_end_the_server():
    with server_process() as (control, process):
        for number in (1, 2, 15):
            process.send_signal(number)
        comms, _ = fork(control, 1, "echo", {})
        with comms:
            assert comms.recv(100) == b"{}"


def test_many_orders_at_once_are_carried_out_in_turn():
    with server_process() as (control, _):
        with open(os.devnull, "w") as nowhere:
            ends = [order(control, number, "echo", nowhere, {"a": number}) for number in range(20)]
        for number, ours in enumerate(ends):
            with ours:
                assert ours.recv(100) == b'{"a": %d}' % number


def test_children_that_were_ordered_together_hold_nothing_of_each_other():
    with server_process() as (control, process), open(os.devnull, "w") as nowhere:
        # All orders are there when it reads them.
        process.send_signal(signal.SIGSTOP)
        ends = [order(control, number, job, nowhere) for number, job in enumerate(["hang", "echo", "hang"])]
        process.send_signal(signal.SIGCONT)
        with ends[0], ends[1], ends[2]:
            assert ends[0].recv(100)
            assert ends[2].recv(100)
            assert ends[1].recv(100) == b"{}"
            # It has ended, and those that live have no copy of its end of the socket.
            assert ends[1].recv(100) == b""


#: What functions do not need, and what is large.
_NOT_SHARED = {"argparse", "asyncio", "click", "sqlalchemy", "ssl", "trio", "typed_settings"}


def test_the_server_has_loaded_nothing_that_tries_would_copy_in_vain():
    with server_process() as (control, _):
        comms, _ = fork(control, 1, "loaded_modules", {})
        with comms:
            loaded = set(comms.makefile().read().split())
    assert "flowcore.runner.function_try" in loaded
    assert loaded & _NOT_SHARED == set()

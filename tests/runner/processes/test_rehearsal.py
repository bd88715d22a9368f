from __future__ import annotations

import os
import signal

from flowcore.runner.processes.rehearsal import rehearse
from flowcore.sdk.comms.envelopes import decode
from flowcore.sdk.comms.framing import Unframing
from flowcore.sdk.comms.messages import TryBegun, TryOver


def test_a_rehearsed_try_is_one_that_succeeds():
    begun, over = (decode(payload).message for payload in Unframing().feed(rehearse()))
    assert begun == TryBegun()
    assert over == TryOver("success")


def test_a_rehearsal_leaves_the_process_as_it_was():
    before, open_before = _state(), _descriptors()
    rehearse()
    assert _state() == before
    assert _descriptors() <= open_before


def _state():
    return dict(os.environ), [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]


def _descriptors():
    return set(os.listdir("/proc/self/fd"))

"""Where a child's tries log to: their supervisor, who writes it to files."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from flowcore.errors import FlowcoreError
from flowcore.runner.logs.capture import TryLog, captured_by, capturing
from flowcore.runner.thread_contexts import threads_inherit_context
from flowcore.sdk.comms.messages import LogLines
from flowcore.sdk.comms.questions import Comms


@contextmanager
def logging_to_supervisors() -> Iterator[None]:
    """In this block, what is said inside of `logging_to` is captured, in threads as well.

    Once for all children of a fork server: what each of them would do again costs it a millisecond.
    """
    logging.root.setLevel(logging.INFO)
    logging.captureWarnings(True)
    with capturing(), threads_inherit_context():
        yield


@contextmanager
def logging_to(comms: Comms) -> Iterator[None]:
    """Send what is logged and printed in this block to a supervisor."""

    def emit(lines: Sequence[str]) -> None:
        # Without a supervisor the try ends anyway, and its own code must not see an error of ours.
        with suppress(FlowcoreError):
            comms.post(LogLines(tuple(lines)))

    with captured_by(TryLog(emit)):
        yield

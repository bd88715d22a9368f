"""A process that must end: whatever hangs, it is gone in time."""

from __future__ import annotations

import logging
import os
import threading
import time
from queue import Empty, SimpleQueue

log = logging.getLogger(__name__)

#: Exit status of a process that had to leave tries behind; their leases lapse and they run again.
ABANDONED = 3

#: How long the last message may take: the log may be what hangs.
_MESSAGE_S = 0.05


class Deadline:
    """Ends this process when the time that was set is over and it has not ended by itself.

    A coroutine that swallows its cancellation or blocks the event loop, or a function that goes on in
    its thread, would otherwise keep the process alive for as long as it likes.
    """

    def __init__(self) -> None:
        self._deadlines: SimpleQueue[float] = SimpleQueue()
        # Started now and not when it is needed: a signal handler must not start threads.
        threading.Thread(target=self._watch, name="deadline", daemon=True).start()

    def set(self, seconds: float) -> None:
        """Give the process `seconds` from now; of several deadlines the first one counts.

        Signal handlers may call it.
        """
        self._deadlines.put(time.monotonic() + seconds)

    def _watch(self) -> None:
        deadline = self._deadlines.get()
        while (left_s := deadline - time.monotonic()) > 0:
            try:
                deadline = min(deadline, self._deadlines.get(timeout=left_s))
            except Empty:
                break
        _exit()


def exit_after(seconds: float) -> None:
    """End this process in `seconds` if it has not ended by then."""
    Deadline().set(seconds)


def _exit() -> None:
    message = threading.Thread(target=_say_why, daemon=True)
    message.start()
    message.join(_MESSAGE_S)
    os._exit(ABANDONED)


def _say_why() -> None:
    log.error(
        "tries were abandoned: they could not be stopped, or their ends not be written; they run again once "
        "the lease of this process has lapsed"
    )
    logging.shutdown()

"""A process that must end: whatever hangs, it is gone in time."""

from __future__ import annotations

import logging
import os
import threading

log = logging.getLogger(__name__)

#: Exit status of a process that had to leave tries behind; their leases lapse and they run again.
ABANDONED = 3


def exit_after(seconds: float) -> None:
    """End this process in `seconds` if it has not ended by then: threads cannot be cancelled.

    A coroutine that swallows its cancellation, or a function that goes on in its thread, would
    otherwise keep the interpreter alive for as long as it likes.
    """
    timer = threading.Timer(seconds, _exit)
    timer.daemon = True
    timer.start()


def _exit() -> None:
    log.error("tries that could not be stopped were abandoned; they run again once their lease has lapsed")
    logging.shutdown()
    os._exit(ABANDONED)

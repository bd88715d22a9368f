"""Interrupts reach the tests and their processes also where the suite runs in the background of a shell.

A shell that is not interactive lets what it starts in the background ignore them, and so would all that
the tests start.
"""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)

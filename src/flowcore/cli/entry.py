"""Where the program starts, and how it ends although threads may go on."""

from __future__ import annotations

import logging
import os
import sys
import threading

from flowcore.cli.root import root


def main() -> None:
    """Run the command line; ends the process with the command's exit status."""
    try:
        root()
    except SystemExit as ending:
        if isinstance(ending.code, int) and _threads_go_on():
            _leave(ending.code)
        raise


def _threads_go_on() -> bool:
    return any(not thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread())


def _leave(status: int) -> None:
    # A `def` task whose try is over, by a timeout or a signal, cannot be stopped. The interpreter would
    # wait for its thread for as long as it takes.
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)

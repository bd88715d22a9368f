"""Where the program starts, and how it ends at once when it has nothing more to do."""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import sys

from flowcore.cli.root import root


def main() -> None:
    """Run the command line; ends the process with the command's exit status."""
    try:
        root()
    except SystemExit as ending:
        if isinstance(ending.code, int):
            _leave(ending.code)
        raise


def _leave(status: int) -> None:
    # The interpreter would wait for threads: those of `def` tasks whose tries are over, by a timeout or a
    # signal, cannot be stopped. And it takes a second on a busy machine to forget what it has imported.
    atexit._run_exitfuncs()
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):  # nobody reads any more
            stream.flush()
    os._exit(status)

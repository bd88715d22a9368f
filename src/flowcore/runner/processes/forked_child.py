"""The first and the last moments of a forked child: it lets go of what was its server's, works, and ends.

The child is the leader of a process group of its own, dies with its server, and adopts the orphans among
its descendants until it ends; then they are the server's, who kills them.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from flowcore.runner.processes import linux
from flowcore.runner.processes.jobs import Job

#: Signals that servers never act on. A child takes them once it has handlers of its own.
HELD_BACK = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
_FAILED = 1


def run_child(function: Callable[[Job], None], make_job: Callable[[], Job], *, parent: int) -> NoReturn:
    """Do the job and end this process; `make_job` is called when the process stands on its own."""
    status = _FAILED
    try:
        _stand_alone(parent)
        function(make_job())
        status = 0
    # Nothing may get back into the server's code, of which this process is a copy.
    except BaseException:
        traceback.print_exc()
    finally:
        flush_outputs()
        os._exit(status)


def job_of(fds: Sequence[int], payload: Any, dags: Any) -> Job:
    """Put the descriptors of a `Fork` in their places."""
    comms, *outputs = fds
    for number, fd in enumerate([os.open(os.devnull, os.O_RDONLY), *outputs]):
        os.dup2(fd, number)
        if fd > 2:
            os.close(fd)
    return Job(socket.socket(fileno=comms), payload, dags)


def _stand_alone(parent: int) -> None:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setpgid(0, 0)
    linux.adopt_orphans()
    linux.set_parent_death_signal(signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(_FAILED)
    _reseed()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD_BACK)


def _reseed() -> None:
    # All children would draw the same numbers: other than `random`, NumPy does not notice that it was forked.
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed()


def flush_outputs() -> None:
    """Write out what `print` has left in buffers."""
    for stream in (sys.stdout, sys.stderr):
        # The author may have closed or replaced it, and its reader may be gone.
        with contextlib.suppress(Exception):
            stream.flush()

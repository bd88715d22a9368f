"""What Linux does so that nothing outlives its parent. Elsewhere these functions do nothing.

A process may ask to be sent a signal when its parent dies, and to become the parent of the orphans among
its descendants instead of `init`.
"""

from __future__ import annotations

import ctypes
import os
import resource
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
#: As if the process had so many thousandths of the machine's memory on top of its own.
_OOM_SCORE = 300
_IS_LINUX = sys.platform == "linux"
_prctl = ctypes.CDLL(None).prctl if _IS_LINUX else lambda *_: 0


def set_parent_death_signal(number: int) -> None:
    """Have this process sent the signal when the thread that made it ends; look at `getppid` afterwards."""
    _prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(number))


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent ends; processes forked later do not inherit this."""
    _prctl(_PR_SET_CHILD_SUBREAPER, ctypes.c_ulong(1))


def be_killed_first() -> None:
    """When memory runs out, have the kernel kill this process or one forked later, and not the scheduler."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(_OOM_SCORE))


def resident_bytes() -> int:
    """How much memory this process occupies now; where that is unknown, the most it ever did."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def children_of_this_process() -> set[int]:
    """The ids of the direct children, those that have ended and were not waited for included.

    One may be missing while another one ends, which is announced by SIGCHLD: look again then.
    """
    try:
        threads = os.listdir("/proc/self/task")
    except OSError:
        return set()
    return {int(pid) for thread in threads for pid in _read(f"/proc/self/task/{thread}/children").split()}


def _read(path: str) -> bytes:
    # By the simplest means there are: a fork server does this after each child.
    try:
        fd = os.open(path, os.O_RDONLY)
    except OSError:  # the thread has ended
        return b""
    try:
        return b"".join(iter(partial(os.read, fd, 65536), b""))
    finally:
        os.close(fd)


def processes_with(variable: str, value: str) -> set[int]:
    """The processes of this user that were started with that in their environment, and their forks."""
    wanted = f"{variable}={value}".encode()
    found = set()
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if wanted in path.read_bytes().split(b"\0"):
                found.add(int(path.parent.name))
        except OSError:  # it has ended, or belongs to somebody else
            continue
    return found - {os.getpid()}

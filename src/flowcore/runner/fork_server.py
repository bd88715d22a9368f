"""`python -m flowcore.runner.fork_server FD`: the fork server that all others are forked from.

FD is its end of the control socket. It has the SDK imported and no Dag file.
"""

from __future__ import annotations

import os
import socket
import sys

# What children need, so that they find it imported.
import flowcore.runner.dag_server
import flowcore.runner.try_child
import flowcore.runner.warm_worker
import flowcore.sdk.templates.rendering  # noqa: F401
from flowcore.runner.forked_child import flush_outputs
from flowcore.runner.forking import ForkLoop


def main() -> None:
    """Serve until the control socket is closed."""
    # Lines are written as they end: a child that is killed writes nothing more.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)  # type: ignore[union-attr]
    ForkLoop(socket.socket(fileno=int(sys.argv[1]))).serve()
    flush_outputs()
    # Threads that an import has started have no say in it.
    os._exit(0)


if __name__ == "__main__":
    main()

"""The program of the fork server that all others are forked from.

It has everything imported and set up that children need, and no Dag file. `processes.py` starts it.
"""

from __future__ import annotations

import faulthandler
import os
import socket
import sys
from importlib import import_module
from typing import NoReturn

import attrs

from flowcore.domain.dag_sources import DagSource
from flowcore.domain.records import learn_record
from flowcore.domain.try_settings import TrySettings
from flowcore.domain.workloads import Workload
from flowcore.runner.logs.child_log import logging_to_supervisors
from flowcore.runner.processes import linux
from flowcore.runner.processes.forked_child import flush_outputs
from flowcore.runner.processes.forking import ForkLoop
from flowcore.runner.processes.rehearsal import rehearse
from flowcore.sdk.comms.messages import Message

#: What children would import otherwise, each for itself. Not an event loop: a function needs none.
_IMPORTED = (
    "flowcore.runner.processes.dag_server",
    "flowcore.runner.warm_worker",
    "flowcore.sdk.templates.rendering",
)


def serve(control: int) -> NoReturn:
    """Serve until the control socket with that descriptor is closed; then the process ends."""
    for name in _IMPORTED:
        import_module(name)
    _learn_records()
    linux.be_killed_first()
    # A child that crashes says where.
    faulthandler.enable(file=2)
    # Lines are written as they end: a child that is killed writes nothing more.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)  # type: ignore[union-attr]
    with logging_to_supervisors():
        rehearse()
        ForkLoop(socket.socket(fileno=control)).serve()
    flush_outputs()
    # Threads that an import has started have no say in it.
    os._exit(0)


def _learn_records() -> None:
    for cls in (Workload, TrySettings, DagSource, *Message.registry.values()):
        if attrs.has(cls):
            learn_record(cls)

"""Tries of a task that does nothing, which a fork server carries out itself before it forks any children.

A child copies each page of memory before it writes to it. When code runs for the first times, Python writes
down where it found attributes, and specializes bytecode; what was written before the fork, children share.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from flowcore.domain.records import dump_record
from flowcore.domain.try_settings import TrySettings
from flowcore.domain.workloads import RunFacts, Workload
from flowcore.runner.function_try import INTERRUPTS
from flowcore.runner.try_child import carry_out
from flowcore.sdk import DAG, task
from flowcore.sdk.comms.decoder import Decoder

#: CPython specializes the code of functions that were called eight times.
_TIMES = 12
_MOMENT = datetime(2024, 1, 1, tzinfo=UTC)
_RUN = RunFacts(
    dag_run_id=1,
    dag_id="rehearsal",
    run_id="rehearsal",
    run_type="manual",
    dag_version_id=1,
    run_after=_MOMENT,
    logical_date=_MOMENT,
    data_interval_start=_MOMENT,
    data_interval_end=_MOMENT,
)
_WORKLOAD = Workload(task_instance_id=1, token=1, task_id="rehearsal", position=0, run=_RUN)


def rehearse() -> bytes:
    """Carry tries out, and leave the process as it was; what the last one said to its supervisor."""
    with DAG("rehearsal") as dag:
        task(lambda: None).override(task_id="rehearsal")()
    payload = {"workload": dump_record(_WORKLOAD), "settings": dump_record(TrySettings())}
    said = b""
    with _restored():
        for _ in range(_TIMES):
            ours, theirs = socket.socketpair()
            with ours:
                comms = Decoder(theirs)
                carry_out(payload, [dag], comms)
                comms.close()
                said = ours.recv(65536)
    return said


@contextmanager
def _restored() -> Iterator[None]:
    """Undo what a try changes of its process."""
    environment = dict(os.environ)
    handlers = {number: signal.getsignal(number) for number in INTERRUPTS}
    try:
        yield
    finally:
        faulthandler.unregister(signal.SIGTERM)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for name in os.environ.keys() - environment.keys():
            del os.environ[name]
        os.environ.update(environment)

"""Makes the children of a fork server, those that were ordered together one right after the other.

After a fork, the server too copies each page of memory before it writes to it, and Python writes to what it
looks at. So nothing else is done between the forks of a batch, and what follows is done for all at once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

import attrs

from flowcore.errors import UsageError
from flowcore.runner.processes.control import Fork, ForkRefused, control_frame, forked_frame
from flowcore.runner.processes.forked_child import job_of, run_child
from flowcore.runner.processes.jobs import Job, find_job
from flowcore.sdk.dags import DAG


@attrs.define(eq=False)
class Birth:
    """An order to fork, and what became of it: a `pid`, or the reason why there is none."""

    number: int
    order: Fork
    fds: Sequence[int]
    pid: int = 0
    refusal: str = ""

    @property
    def answer(self) -> bytes:
        """What the scheduler is told."""
        if self.refusal:
            return control_frame(ForkRefused(self.refusal), self.number)
        return forked_frame(self.pid, self.number)

    def close(self) -> None:
        """Close what came with the order, which is the child's."""
        for fd in self.fds:
            os.close(fd)


def fork_all(births: Sequence[Birth], *, dags: Sequence[DAG], let_go: Callable[[], None]) -> None:
    """Fork a child for each; children call `let_go`, which closes what is the server's."""
    parent = os.getpid()
    functions = [_function(birth) for birth in births]
    for birth, function in zip(births, functions, strict=True):
        if function is None:
            continue
        try:
            birth.pid = os.fork()
        except OSError as error:
            birth.refusal = str(error)
            continue
        if birth.pid == 0:
            run_child(function, partial(_job, birth, births, dags, let_go), parent=parent)
    for birth in births:
        if birth.pid:
            # The child does the same: whoever is first makes the group before anybody can signal it.
            with suppress(OSError):
                os.setpgid(birth.pid, birth.pid)


def _function(birth: Birth) -> Callable[[Job], None] | None:
    try:
        return find_job(birth.order.job)
    except UsageError as error:
        birth.refusal = str(error)
        return None


def _job(birth: Birth, births: Sequence[Birth], dags: Sequence[DAG], let_go: Callable[[], None]) -> Job:
    let_go()
    for other in births:
        if other is not birth:
            other.close()
    return job_of(birth.fds, birth.order.payload, dags)

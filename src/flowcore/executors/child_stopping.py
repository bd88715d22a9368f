"""`ChildStop`: waits for the end of a process and, when it has to end, ends it step by step.

A process is interrupted, then terminated, then killed with its whole group, and has some time after each.
"""

from __future__ import annotations

import math
import os
import signal
from contextlib import suppress
from enum import Enum, auto

import anyio
import attrs

from flowcore.runner.processes.children import Child


class Step(Enum):
    """What is done to a process."""

    INTERRUPT = auto()
    TERMINATE = auto()
    KILL = auto()


@attrs.frozen
class Graces:
    """Seconds that a process has to end after each step, and that reading its last words may take."""

    interrupt_s: float = 5.0
    terminate_s: float = 2.0
    kill_s: float = 5.0
    # The disk that logs are written to may be slow.
    last_words_s: float = 30.0

    def after(self, step: Step) -> float:
        """How long the process may take to end after that step."""
        match step:
            case Step.INTERRUPT:
                return self.interrupt_s
            case Step.TERMINATE:
                return self.terminate_s
            case Step.KILL:
                return self.kill_s


AT_SHUTDOWN = Graces(0.2, 0.0, 0.2, 0.05)
AT_ONCE = Graces(0.0, 0.0)


class ChildStop:
    """The end of one process.

    Args:
        steps: What is done to end it, in order.
        graces: How long it may take to end each time.
    """

    def __init__(self, *steps: Step, graces: Graces) -> None:
        self._steps, self.graces = steps, graces
        self._step: Step | None = None
        self._scope = anyio.CancelScope()
        self._wait_until = math.inf
        self.began_at: float | None = None
        """When it was begun to end the process, on the event loop's clock; None if it ended by itself."""

    @property
    def was_killed(self) -> bool:
        """Whether nothing else had ended the process."""
        return self._step is Step.KILL

    def begin(self) -> None:
        """End the process, if that was not begun."""
        self.begin_at(-math.inf)

    def begin_at(self, moment: float) -> None:
        """End the process at that time, unless that was to be done earlier."""
        self._wait_until = min(self._wait_until, moment)
        if self.began_at is None:
            self._scope.deadline = min(self._scope.deadline, self._wait_until)

    def put_off(self, moment: float) -> None:
        """End the process at that time in place of any other, or go on ending it then."""
        self._wait_until = moment
        self._scope.deadline = moment

    def hurry(self, graces: Graces) -> None:
        """End the process with these graces, whatever was done to it before."""
        self.graces = graces
        if self._step is None:
            self.begin()
        else:
            # A kill takes its time to be carried out, however great the hurry.
            limit_s = graces.kill_s if self._step is Step.KILL else 0.0
            self._scope.deadline = min(self._scope.deadline, anyio.current_time() + limit_s)

    async def wait_end(self, child: Child) -> None:
        """Return when the process is gone, or not even a kill has ended it in time."""
        with anyio.CancelScope(deadline=self._wait_until) as self._scope:
            await child.wait()
            return
        self.began_at = anyio.current_time()
        act = {Step.INTERRUPT: child.interrupt, Step.TERMINATE: child.terminate, Step.KILL: child.kill}
        for step in self._steps:
            self._step = step
            act[step]()
            with anyio.move_on_after(self.graces.after(step)) as self._scope:
                await child.wait()
                return
        # Signals go through the fork server, which may be what hangs. None of its code runs after this one.
        if child.pid:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)

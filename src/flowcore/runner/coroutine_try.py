"""One try of a coroutine in a child: a `Try` on the child's loop, which reports to a supervisor."""

from __future__ import annotations

import anyio

from flowcore.domain.try_settings import TrySettings
from flowcore.domain.workloads import Workload
from flowcore.runner.endings import GIVEN_BACK, ending_of
from flowcore.runner.logs.child_log import logging_to
from flowcore.runner.reporting import report
from flowcore.runner.sources import TaskFinder
from flowcore.runner.tries import Try
from flowcore.sdk.comms.messages import TryBegun
from flowcore.sdk.comms.questions import Comms


class CoroutineTry:
    """One try; `run` it once. Functions that get here run in threads, limited by `threads`."""

    def __init__(
        self,
        workload: Workload,
        *,
        tasks: TaskFinder,
        comms: Comms,
        threads: anyio.CapacityLimiter,
        settings: TrySettings,
    ) -> None:
        self._comms = comms
        self._try = Try(
            workload,
            tasks=tasks,
            comms=comms,
            threads=threads,
            on_start=lambda: comms.post(TryBegun()),
            settings=settings,
        )

    def cancel(self, reason: str) -> None:
        """End it as failed, also when it has not begun or ends by itself at this moment."""
        self._try.cancel(reason)

    async def run(self) -> None:
        """Carry the try out and report how it ended.

        A cancellation from outside passes through; the try is then given back, unless it left a function
        running in a thread: who ends the process knows when that is over.

        Raises:
            PeerGone: nobody wants to know.
        """
        try:
            with logging_to(self._comms):
                ending = await self._try.run()
        # Nobody presses Ctrl-C in here: it is the author's.
        except KeyboardInterrupt as error:
            ending = ending_of(error, {})
        except anyio.get_cancelled_exc_class():
            if not self._try.is_abandoned():
                report(GIVEN_BACK, self._comms)
            raise
        report(ending, self._comms)

"""`CallbackCalls`: the calls of Dags' callbacks that are under way in this process, side by side.

A call that hangs takes one of a few places, until whoever makes the calls leaves it behind.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Protocol

import anyio
import attrs
from anyio.abc import TaskGroup, TaskStatus

from flowcore.concurrency.wakeups import Wakeups
from flowcore.domain.dag_callbacks import CallbackEnd, DagCallback
from flowcore.errors import DatabaseUnavailable, FlowcoreError
from flowcore.scheduler.wake_graph import Channel

log = logging.getLogger(__name__)


class CallLost(FlowcoreError):
    """What was to call the callbacks is gone; they are called again."""


class CallbackCaller(Protocol):
    """Calls callbacks where authors' code may run."""

    def has_dag(self, dag_id: str) -> bool:
        """Whether callbacks of this Dag can be called here; others are left to other schedulers."""
        ...

    async def call(self, callback: DagCallback) -> str | None:
        """Call them all, within a limit of time; what went wrong, if anything did.

        When this is cancelled nothing of the call goes on that could be stopped.

        Raises:
            DatabaseUnavailable, CallLost: it may go better another time.
        """
        ...


@attrs.define(eq=False)
class CallbackCalls:
    """At most `places` calls at the same time; `serve` it while `submit` is called.

    `over` are ends that are not written yet.
    """

    caller: CallbackCaller
    wakeups: Wakeups
    places: int = 8
    over: list[CallbackEnd] = attrs.field(factory=list, init=False)
    _running: int = attrs.field(default=0, init=False)
    _nursery: TaskGroup | None = attrs.field(default=None, init=False)
    _is_closed: bool = attrs.field(default=False, init=False)
    _idle: anyio.Event = attrs.field(factory=anyio.Event, init=False)

    @property
    def free_places(self) -> int:
        """How many calls may be submitted now."""
        return 0 if self._nursery is None or self._is_closed else self.places - self._running

    def close(self) -> None:
        """Take nothing new from now on."""
        self._is_closed = True

    def submit(self, callback: DagCallback) -> None:
        """Begin a call that was claimed; unless this serves, it is left to those who come after us."""
        if self._nursery is not None:
            self._running += 1
            self._nursery.start_soon(self._call, callback)

    def written(self, ends: Sequence[CallbackEnd]) -> None:
        """Forget ends."""
        del self.over[: len(ends)]

    async def wait_idle(self) -> None:
        """Return once nothing is called here."""
        while self._running:
            await self._idle.wait()

    async def serve(self, *, task_status: TaskStatus[None]) -> None:
        """Call until cancelled; what is under way then is stopped, and will be called again."""
        async with anyio.create_task_group() as nursery:
            self._nursery = nursery
            try:
                task_status.started()
                self.wakeups.set(Channel.CALLS_OVER)
                await anyio.sleep_forever()
            finally:
                self._nursery = None

    async def _call(self, callback: DagCallback) -> None:
        try:
            self.over.append(await self._end_of(callback))
        finally:
            self._running -= 1
            idle, self._idle = self._idle, anyio.Event()
            idle.set()
            self.wakeups.set(Channel.CALLS_OVER)

    async def _end_of(self, callback: DagCallback) -> CallbackEnd:
        try:
            error, given_back = await self.caller.call(callback), False
        except (DatabaseUnavailable, CallLost) as lost:
            error, given_back = str(lost), True
        # A fault of ours must not end what else is called.
        except Exception as fault:
            log.exception("%s could not be called", callback)
            error, given_back = f"{type(fault).__name__}: {fault}", False
        if error is not None:
            log.error("%s: %s", callback, error)
        return CallbackEnd(callback_id=callback.id, token=callback.token, error=error, given_back=given_back)

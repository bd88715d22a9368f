"""Tells listeners of plug-ins about runs, and when this process begins and ends.

It follows the runs in the database, apart from the routines, and calls listeners in threads: one that
raises or hangs holds up other listeners for a while, and no run.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import anyio
import attrs
from anyio.abc import TaskStatus

from flowcore.concurrency.thread_calls import ThreadCall
from flowcore.database.engine import Database
from flowcore.database.queries.followed_runs import RunStates, followed_runs, last_run, run_states
from flowcore.database.store import SqlStore
from flowcore.domain.states import FINISHED_RUN, DagRunState
from flowcore.errors import DatabaseUnavailable
from flowcore.plug_ins.listeners import TRY_HOOKS, Hearing, Hearings, Hook, listeners
from flowcore.scheduler.wake_graph import Channel

log = logging.getLogger(__name__)

#: How long a listener may take for one event.
LIMIT_S = 60.0
#: How long all of them may take for what is left when the process ends.
FINISH_S = 20.0
#: Runs that change quickly are told of together.
_PAUSE_S = 0.1

_CHANNELS = (Channel.RUNS_STARTED, Channel.RUNS_ENDED)
_HOOKS = {
    DagRunState.RUNNING: Hook.RUN_RUNNING,
    DagRunState.SUCCESS: Hook.RUN_SUCCESS,
    DagRunState.FAILED: Hook.RUN_FAILED,
}


@attrs.frozen
class Component:
    """What begins or ends: this scheduler."""

    name: str = "scheduler"


@asynccontextmanager
async def telling_listeners(
    database: Database, store: SqlStore, *, poll_s: float
) -> AsyncIterator[Callable[[], None]]:
    """Tell listeners of what happens in the block, in which the store's scheduler begins and ends.

    What is yielded has to be called when it has begun, and has its lease.
    What is left at the end is told for `FINISH_S` at most. Of several schedulers the one that decided about
    a run tells of it.
    """
    hearings = {hook: who for hook, who in listeners().items() if hook not in TRY_HOOKS}
    if not hearings:
        yield lambda: None
        return
    listening = _Listening(database, store, hearings)
    async with anyio.create_task_group() as nursery:
        await nursery.start(listening.serve, poll_s)
        yield listening.begin
        await listening.finish()
        nursery.cancel_scope.cancel()


class _Listening:
    def __init__(self, database: Database, store: SqlStore, hearings: Hearings) -> None:
        self._database, self._store, self._hearings = database, store, hearings
        self._own: int | None = None
        self._has_begun = False
        self._known: Mapping[int, DagRunState] = {}
        self._last = 0
        self._looking = anyio.Lock()

    def begin(self) -> None:
        # The lease is given up before the last look.
        self._own = self._store.lease_id

    async def serve(self, poll_s: float, *, task_status: TaskStatus[None]) -> None:
        self._last = await self._database.read(last_run)
        self._known = (await self._database.read(run_states, (), self._last)).states
        task_status.started()
        while True:
            seen = self._database.wakeups.versions(_CHANNELS)
            await self._look()
            await anyio.sleep(_PAUSE_S)
            await self._database.wakeups.after_any(seen, timeout_s=poll_s)

    async def finish(self) -> None:
        with anyio.move_on_after(FINISH_S) as limit:
            await self._look()
            if self._has_begun:
                await self._tell(Hook.STOPPING, component=Component())
        if limit.cancelled_caught:
            log.error("listeners took longer than %g s at the end and are left behind", FINISH_S)

    async def _look(self) -> None:
        async with self._looking:
            if self._own is not None:
                # A lease that lapsed is followed by another one.
                self._own = self._store.lease_id or self._own
            if self._own is not None and not self._has_begun:
                self._has_begun = True
                await self._tell(Hook.STARTING, component=Component())
            try:
                now = await self._database.read(run_states, list(self._known), self._last)
                news = [one for one in run_news(self._known, now.states) if self._is_ours(one[0], now)]
                runs = (
                    await self._database.read(followed_runs, {run_id for run_id, _ in news}) if news else {}
                )
            except DatabaseUnavailable as error:
                log.warning("listeners are told later what runs do: %s", error)
                return
            self._last = max([self._last, *now.states])
            self._known = {i: state for i, state in now.states.items() if state not in FINISHED_RUN}
            for run_id, state in news:
                if run_id in runs:
                    run = attrs.evolve(runs[run_id], state=state)
                    await self._tell(_HOOKS[state], dag_run=run, msg="")

    def _is_ours(self, run_id: int, now: RunStates) -> bool:
        decided_by = now.decided_by[run_id]
        if decided_by == self._own or decided_by in now.living:
            return decided_by == self._own
        # Of those whom nobody living has decided about, the scheduler tells that has lived longest.
        return not now.living or self._own == min(now.living)

    async def _tell(self, hook: Hook, **arguments: Any) -> None:
        for hearing in self._hearings.get(hook, ()):
            with anyio.move_on_after(LIMIT_S) as limit:
                await ThreadCall(_call, hearing, arguments).run()
            if limit.cancelled_caught:
                log.error("a listener took longer than %g s for %s and is left behind", LIMIT_S, hook)


def run_news(
    known: Mapping[int, DagRunState], now: Mapping[int, DagRunState]
) -> Iterator[tuple[int, DagRunState]]:
    """Which runs have begun or ended, by id; one that did both between two looks has done both."""
    for run_id in sorted(now):
        before, state = known.get(run_id), now[run_id]
        if state is before or state is DagRunState.QUEUED:
            continue
        if before is not DagRunState.RUNNING and state in FINISHED_RUN:
            yield run_id, DagRunState.RUNNING
        yield run_id, state


def _call(hearing: Hearing, arguments: Mapping[str, Any]) -> None:
    try:
        returned = hearing(**arguments)
        if inspect.isawaitable(returned):
            # On a loop of its own: what blocks it must not block the scheduler's.
            anyio.run(partial(_await, returned))
    # Whatever authors raise, SystemExit included, is theirs.
    except BaseException:
        log.exception("the listener %r failed", hearing.function)


async def _await(returned: Awaitable[object]) -> None:
    await returned

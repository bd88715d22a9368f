"""A Dag run in the hands of an embedder."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Literal, Unpack

import attrs
import sqlalchemy as sa
from anyio import to_thread

from flowcore.app.run_changes import Relatives, only_states, select_tasks
from flowcore.app.run_watch import RunWatch
from flowcore.app.xcom_removal import delete_with_xcoms
from flowcore.clock import Clock
from flowcore.database.engine import Database
from flowcore.database.queries.changed_instances import ChangedInstance
from flowcore.database.queries.clearing import clear_task_instances
from flowcore.database.queries.dag_callbacks import has_open_callbacks
from flowcore.database.queries.deleting import delete_run
from flowcore.database.queries.marking import mark_runs, mark_task_instances
from flowcore.database.queries.run_views import (
    RunView,
    TaskInstanceView,
    pull_xcoms,
    view_runs,
    view_task_instances,
)
from flowcore.domain.selections import RunSelection
from flowcore.domain.states import FINISHED_RUN, DagRunState, TaskInstanceState
from flowcore.errors import DagRunNotFound
from flowcore.runner.xcoms.backends import XComs
from flowcore.scheduler.wake_graph import Channel

_NEWS = (Channel.RUNS_STARTED, Channel.UNSETTLED, Channel.SCHEDULED, Channel.SLOTS_FREED, Channel.RUNS_ENDED)
#: Starts are not announced, so events look by themselves this often.
_EVENTS_POLL_S = 0.25
#: Another process may call the callbacks.
_CALLBACKS_POLL_S = 1.0


@attrs.frozen
class RunEvent:
    """A task instance, or the run itself (`task_id` None), was seen in a new state at the time `at`."""

    task_id: str | None
    map_index: int
    state: TaskInstanceState | DagRunState | None
    at: datetime


class Run:
    """One run; `state` is what it was when last looked at by `wait`, `refresh` or iteration."""

    def __init__(
        self, view: RunView, *, database: Database, watch: RunWatch, xcoms: XComs, clock: Clock
    ) -> None:
        self._view, self._database, self._watch, self._clock = view, database, watch, clock
        self._xcoms = xcoms

    @property
    def dag_id(self) -> str:
        """The Dag."""
        return self._view.dag_id

    @property
    def run_id(self) -> str:
        """The run's name, unique within its Dag."""
        return self._view.run_id

    @property
    def state(self) -> DagRunState:
        """The state when last looked at."""
        return self._view.state

    @property
    def start_date(self) -> datetime | None:
        """When the run started, in UTC; None before."""
        return self._view.start_date

    @property
    def end_date(self) -> datetime | None:
        """When the run ended, in UTC; None before."""
        return self._view.end_date

    async def refresh(self) -> None:
        """Look at the run again.

        Raises:
            DagRunNotFound: it was deleted.
        """
        self._set(await self._database.read(view_runs, [self._view.id]))

    async def wait(self) -> DagRunState:
        """Wait until the run has ended; its final state."""
        if self.state not in FINISHED_RUN:
            await self._watch.wait_ended(self._view.id)
            await self.refresh()
        return self.state

    async def wait_callbacks(self) -> None:
        """Wait until the callbacks of its Dag that are to hear of the run were called, if it has ended."""
        while True:
            seen = self._database.wakeups.versions([Channel.CALLBACKS])
            if not await self._database.read(has_open_callbacks, self._view.id):
                return
            await self._database.wakeups.after_any(seen, timeout_s=_CALLBACKS_POLL_S)

    async def task_instances(self) -> Sequence[TaskInstanceView]:
        """Return the task instances in Dag order, as they stand."""
        return await self._database.read(view_task_instances, self._view.id)

    async def xcom(self, task_id: str, key: str = "return_value", map_index: int = -1) -> Any:
        """Return what the current try of a task pushed under `key`; None when it pushed nothing."""
        address = (self._view.id, task_id, map_index, key)
        found = await self._database.read(pull_xcoms, [address])
        if address not in found:
            return None
        return await self.value_of(found[address])

    async def value_of(self, text: str) -> Any:
        """Return the value of an XCom of which the database keeps this JSON text.

        Raises:
            XComUnavailable: the storage that has it cannot be read.
            XComUnreadable: it holds an object that cannot be made again in this process.
        """
        read = partial(self._xcoms.read, text)
        return await to_thread.run_sync(read) if self._xcoms.backend.waits else read()

    async def clear(
        self,
        *task_ids: str,
        past: bool = False,
        future: bool = False,
        only_failed: bool = False,
        only_running: bool = False,
        latest_version: bool = False,
        **relatives: Unpack[Relatives],
    ) -> Sequence[ChangedInstance]:
        """Let tasks begin again, or without ids the whole run; the task instances that do, as they were.

        A run that has ended is queued again; it stays on its version of the Dag, unless `latest_version`
        is asked. Setups and teardowns that serve a task are cleared with it. `past` and `future` add the
        runs of earlier and later logical dates.

        Raises:
            UsageError: the run has no such task, or goes on and is to change its version.
        """
        changed = await self._database.run(
            clear_task_instances,
            runs=RunSelection(dag_id=self.dag_id, run_id=self.run_id, past=past, future=future),
            tasks=select_tasks(task_ids, relatives),
            only=only_states(only_failed=only_failed, only_running=only_running),
            latest_version=latest_version,
            now=self._clock.now(),
        )
        await self.refresh()
        return changed

    async def mark(
        self,
        state: Literal["success", "failed", "skipped"],
        *task_ids: str,
        past: bool = False,
        future: bool = False,
        **relatives: Unpack[Relatives],
    ) -> Sequence[ChangedInstance]:
        """Say how tasks have ended, or without ids the run; the task instances that change, as they were.

        Tries that run are stopped. What failed after a task that is marked begins again.

        Raises:
            UsageError: the run has no such task, or is to be skipped itself.
        """
        runs = RunSelection(dag_id=self.dag_id, run_id=self.run_id, past=past, future=future)
        if task_ids:
            unit = partial(mark_task_instances, tasks=select_tasks(task_ids, relatives))
        else:
            unit = partial(mark_runs)
        changed = await self._database.run(unit, runs=runs, state=state, now=self._clock.now())
        await self.refresh()
        return changed

    async def delete(self) -> None:
        """Delete the run with all that is known of it.

        Raises:
            UsageError: it is running, or a try of it is still being stopped.
        """
        delete = partial(delete_run, dag_id=self.dag_id, run_id=self.run_id)
        await delete_with_xcoms(
            self._database, delete, self._xcoms.backend, dag_id=self.dag_id, run_id=self.run_id
        )

    async def __aiter__(self) -> AsyncIterator[RunEvent]:
        """Yield changes of state until the run has ended, its own end last.

        States are looked at when there is news: one that was left again at once may not be seen.
        """
        seen: dict[tuple[str | None, int], object] = {}
        while True:
            versions = self._database.wakeups.versions(_NEWS)
            runs, task_instances = await self._database.read(_look, self._view.id)
            self._set(runs)
            # Taken from this look: somebody else who waits for the run may have moved `state` on since.
            state = runs[0].state
            for event in self._news(seen, task_instances):
                yield event
            if seen.get((None, -1)) is not state:
                seen[None, -1] = state
                yield RunEvent(None, -1, state, self._clock.now())
            if state in FINISHED_RUN:
                return
            await self._database.wakeups.after_any(versions, timeout_s=_EVENTS_POLL_S)

    def _news(
        self, seen: dict[tuple[str | None, int], object], task_instances: Sequence[TaskInstanceView]
    ) -> Iterator[RunEvent]:
        for instance in task_instances:
            key = (instance.task_id, instance.map_index)
            if instance.state is not None and seen.get(key) != instance.state:
                seen[key] = instance.state
                yield RunEvent(*key, instance.state, self._clock.now())

    def _set(self, views: Sequence[RunView]) -> None:
        if not views:
            raise DagRunNotFound(self.dag_id, self.run_id)
        self._view = views[0]


def _look(connection: sa.Connection, dag_run_id: int) -> tuple[Sequence[RunView], Sequence[TaskInstanceView]]:
    return view_runs(connection, [dag_run_id]), view_task_instances(connection, dag_run_id)

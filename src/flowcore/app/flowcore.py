"""An open flowcore: what an embedder does with it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Unpack

import anyio
import attrs

from flowcore.app.backfills import Backfill, BackfillArguments
from flowcore.app.dag_bag import DagBag
from flowcore.app.dag_folders import WatchedFolder
from flowcore.app.options import Options
from flowcore.app.run_changes import Relatives, only_states, select_tasks
from flowcore.app.run_watch import RunWatch
from flowcore.app.runs import Run
from flowcore.app.xcom_removal import delete_with_xcoms
from flowcore.clock import Clock
from flowcore.database.engine import Database, Statistics
from flowcore.database.queries.changed_instances import ChangedInstance
from flowcore.database.queries.clearing import clear_task_instances
from flowcore.database.queries.create_backfill import create_backfill
from flowcore.database.queries.deleting import delete_dag
from flowcore.database.queries.external_asset_events import record_external_event
from flowcore.database.queries.pausing import set_paused
from flowcore.database.queries.register_dags import LEFT_OUT_S, register_dags
from flowcore.database.queries.run_views import RunView, find_run, is_idle
from flowcore.database.queries.triggering import trigger_dag_run
from flowcore.domain.backfills import BackfillRequest
from flowcore.domain.dag_files import NewVersion
from flowcore.domain.selections import RunSelection
from flowcore.domain.states import DagRunState
from flowcore.errors import DagRunNotFound, DatabaseUnavailable
from flowcore.runner.xcoms.backends import XComs
from flowcore.scheduler.service import Scheduler, SchedulerStatistics
from flowcore.scheduler.wake_graph import Channel
from flowcore.sdk.dags import DAG
from flowcore.secrets.service import Secrets, SecretsStatistics

log = logging.getLogger(__name__)

#: How long Dags wait to be stored after the database was found to be away.
_STORE_AGAIN_S = 1.0


@attrs.frozen
class FlowcoreStatistics:
    """A snapshot of everything: the scheduler's routines, the database's units of work, the secrets."""

    scheduler: SchedulerStatistics
    database: Statistics
    secrets: SecretsStatistics


class Flowcore:
    """A scheduler, its executor and its database inside the caller's event loop; see `flowcore.open`.

    `secrets` finds connections and variables as the tasks do, `folder` is what looks after the Dag folder.
    """

    def __init__(
        self,
        database: Database,
        scheduler: Scheduler,
        dags: DagBag,
        watch: RunWatch,
        secrets: Secrets,
        *,
        xcoms: XComs,
        folder: WatchedFolder | None = None,
        clock: Clock,
        options: Options,
    ) -> None:
        self.database, self.secrets, self.folder = database, secrets, folder
        self._scheduler, self._dags, self._watch = scheduler, dags, watch
        self._clock, self._options, self._xcoms = clock, options, xcoms
        self._registered = anyio.Event()

    def register(self, dag: DAG) -> None:
        """Make a Dag known: it can be triggered, and it runs by its schedule.

        It is stored in the background, or by the next `trigger` or `store_registered`.

        Raises:
            DagError: the Dag cannot be used as written.
        """
        self._dags.add(dag)
        self._registered.set()

    async def store_registered(self) -> None:
        """Store the Dags registered so far."""
        while unstored := self._dags.unstored():
            ids = await self.database.run(
                register_dags,
                [NewVersion.of(dag) for dag in unstored],
                now=self._clock.now(),
                paused_at_creation=self._options.paused_at_creation,
                patiently=False,
            )
            self._dags.stored(dag for dag in unstored if dag.dag_id in ids)
            if len(ids) < len(unstored):
                await anyio.sleep(LEFT_OUT_S)

    async def trigger(
        self,
        dag_id: str,
        *,
        conf: Mapping[str, Any] | None = None,
        run_id: str | None = None,
        logical_date: datetime | None = None,
        run_after: datetime | None = None,
        partition_key: str | None = None,
    ) -> Run:
        """Queue a run; `conf` is a JSON object, `partition_key` the partition that it deals with.

        It waits for `run_after`, by default the present, which is also its `logical_date` if that is not
        given; both are aware.

        Raises:
            DagNotFound: nobody has registered the Dag.
            ParamError: `conf` breaks the Dag's params.
            UsageError: there is a run of that id or logical date already, the Dag allows no manual runs, or
                the key is none of its timetable.
        """
        await self.store_registered()
        queued = await self.database.run(
            trigger_dag_run,
            dag_id=dag_id,
            conf=conf or {},
            run_id=run_id,
            logical_date=logical_date,
            run_after=run_after,
            partition_key=partition_key,
            run_id_pattern=self._options.run_id_pattern,
            now=self._clock.now(),
        )
        return self._run_of(RunView(queued.id, queued.dag_id, queued.run_id, DagRunState.QUEUED))

    async def run(self, dag_id: str, run_id: str) -> Run:
        """Find a run by its name.

        Raises:
            DagRunNotFound: there is none.
        """
        view = await self.database.read(find_run, dag_id, run_id)
        if view is None:
            raise DagRunNotFound(dag_id, run_id)
        return self._run_of(view)

    def _run_of(self, view: RunView) -> Run:
        return Run(view, database=self.database, watch=self._watch, xcoms=self._xcoms, clock=self._clock)

    async def clear(
        self,
        dag_id: str,
        *,
        task_regex: str | None = None,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
        only_failed: bool = False,
        only_running: bool = False,
        latest_version: bool = False,
        **relatives: Unpack[Relatives],
    ) -> Sequence[ChangedInstance]:
        """Let tasks of several runs begin again; `Run.clear` says more.

        `task_regex` is looked for in the ids of tasks, the dates bound the runs' logical dates.

        Raises:
            DagNotFound: no Dag of that id was ever registered.
            UsageError: no run has such a task, or one goes on and is to change its version.
        """
        return await self.database.run(
            clear_task_instances,
            runs=RunSelection(dag_id=dag_id, start_date=start_date, end_date=end_date),
            tasks=attrs.evolve(select_tasks((), relatives), task_regex=task_regex),
            only=only_states(only_failed=only_failed, only_running=only_running),
            latest_version=latest_version,
            now=self._clock.now(),
        )

    async def backfill(self, dag_id: str, **request: Unpack[BackfillArguments]) -> Backfill:
        """Make up for the runs that a Dag's schedule asks for from `from_date` to `to_date`, both included.

        Raises:
            DagNotFound: nobody has registered the Dag.
            ParamError: `conf` breaks the Dag's params.
            UsageError: the request makes no sense, or the Dag has a backfill that is not completed.
        """
        await self.store_registered()
        wanted = BackfillRequest(dag_id=dag_id, **request)
        created = await self.database.run(create_backfill, wanted, now=self._clock.now())
        return Backfill(created, database=self.database, clock=self._clock)

    async def update_asset(
        self,
        name: str | None = None,
        *,
        uri: str | None = None,
        extra: Mapping[str, Any] | None = None,
        partition_key: str | None = None,
    ) -> None:
        """Say that an asset was updated from outside, with JSON values about it; Dags that wait for it run.

        With a `partition_key` only that partition of it was updated.

        Raises:
            UsageError: no Dag has ever named such an asset, several are meant, or `extra` is no JSON object.
        """
        await self.store_registered()
        await self.database.run(
            record_external_event,
            name=name,
            uri=uri,
            extra=extra or {},
            partition_key=partition_key,
            now=self._clock.now(),
        )

    async def pause(self, dag_id: str) -> None:
        """Start no further runs and tries of a Dag; what runs goes on.

        Raises:
            DagNotFound: no Dag of that id was ever registered.
        """
        await self.database.run(set_paused, dag_id, True)

    async def unpause(self, dag_id: str) -> None:
        """Let a paused Dag go on.

        Raises:
            DagNotFound: no Dag of that id was ever registered.
        """
        await self.database.run(set_paused, dag_id, False)

    async def delete_dag(self, dag_id: str) -> None:
        """Delete a Dag with its runs from the database; `register` it to have it again.

        Raises:
            DagNotFound: no Dag of that id was ever registered.
            UsageError: a try of it runs.
        """
        delete = partial(delete_dag, dag_id=dag_id)
        await delete_with_xcoms(self.database, delete, self._xcoms.backend, dag_id=dag_id)

    async def wait_idle(self, *, poll_s: float = 1.0) -> None:
        """Return once no run of the Dags known here is running or due, or waits to run and is not paused.

        Their callbacks were called, and every file that was in the Dag folder has been read by then. It looks
        when a run ended, and every `poll_s` seconds.
        """
        await self.store_registered()
        if self.folder is not None:
            await self.folder.wait_settled()
        while True:
            seen = self.database.wakeups.versions([Channel.RUNS_ENDED, Channel.CALLBACKS])
            due_by = self._clock.now() if self._options.creates_dag_runs else None
            if await self.database.read(is_idle, self._dag_ids, due_by=due_by):
                return
            await self.database.wakeups.after_any(seen, timeout_s=poll_s)

    @property
    def _dag_ids(self) -> Sequence[str]:
        in_folder = () if self.folder is None else self.folder.catalogue.dag_ids
        return (*self._dags.dag_ids, *in_folder)

    @property
    def is_released(self) -> bool:
        """Whether the scheduler stopped and left no try behind that could not be stopped."""
        return self._scheduler.is_released

    async def wait_stopped(self) -> None:
        """Return once the scheduler has stopped."""
        await self._scheduler.wait_stopped()

    def stop(self) -> None:
        """Begin to stop before the block ends; said again, skip the rest of the grace period."""
        self._scheduler.stop()

    def statistics(self) -> FlowcoreStatistics:
        """Say how everything is doing."""
        return FlowcoreStatistics(
            self._scheduler.statistics(), self.database.statistics(), self.secrets.statistics()
        )

    async def serve_registrations(self) -> None:
        """Store what is registered, until cancelled; `flowcore.open` runs it."""
        while True:
            await self._registered.wait()
            self._registered = anyio.Event()
            try:
                await self.store_registered()
            except DatabaseUnavailable as error:
                log.warning("Dags wait to be stored: %s", error)
                await anyio.sleep(_STORE_AGAIN_S)
                self._registered.set()

"""`flowcore.open`: put a scheduler together inside the caller's event loop, and take it down again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import attrs

from flowcore.abc import Executor
from flowcore.app.dag_bag import DagBag
from flowcore.app.dag_folders import folder_settings, look_after, tasks_of, watched_folder
from flowcore.app.flowcore import Flowcore
from flowcore.app.run_watch import RunWatch
from flowcore.app.secrets import SecretsOptions, serve_secrets
from flowcore.app.try_sources import sources_of_tries
from flowcore.clock import Clock, SystemClock
from flowcore.concurrency.single_error import single_error
from flowcore.database.engine import Database, open_database
from flowcore.database.schema import DEFAULT_POOL_SLOTS, prepare
from flowcore.database.store import SqlStore
from flowcore.domain.try_settings import TrySettings
from flowcore.executors.in_process import InProcessExecutor
from flowcore.processor.service import FolderSettings
from flowcore.runner.log_capture import capturing
from flowcore.runner.log_files import LogFiles, open_log_files
from flowcore.scheduler.service import Scheduler, SchedulerSettings
from flowcore.sdk.dags import DAG
from flowcore.secrets.service import Secrets
from flowcore.settings import Settings


@attrs.frozen(kw_only=True)
class Options:
    """Keyword arguments of `open`, with their defaults.

    `parallelism` bounds the functions that run at once, `async_parallelism` the coroutines; durations are
    in seconds. Without `creates_dag_runs` no schedule is followed: only triggered runs are
    carried out. `default_pool_slots` is used when the database is created.
    With a `logs_folder` what tries log and print is
    written there, and `sys.stdout` and `sys.stderr` are exchanged meanwhile; without one it goes where the
    program's own output goes. `tries` are settings that travel to tasks. `dag_files` says how a Dag folder is
    looked after; without `reads_dag_files` another process does that.
    """

    parallelism: int = 32
    async_parallelism: int = 1_000
    grace_s: float = 30.0
    lease_s: float = 15.0
    safety_poll_s: float = 5.0
    unhealthy_after_s: float = 60.0
    creates_dag_runs: bool = True
    default_pool_slots: int = DEFAULT_POOL_SLOTS
    paused_at_creation: bool = False
    pool_size: int = 8
    inline: bool = False
    secrets: SecretsOptions = attrs.field(factory=SecretsOptions)
    logs_folder: Path | None = None
    tries: TrySettings = TrySettings()
    reads_dag_files: bool = True
    dag_files: FolderSettings = attrs.field(factory=FolderSettings)

    @classmethod
    def of(cls, settings: Settings, **others: Any) -> Options:
        """Take what an operator has set, and `others`, which are stronger."""
        options = cls(
            parallelism=settings.parallelism,
            async_parallelism=settings.async_parallelism,
            grace_s=settings.grace_s,
            lease_s=settings.lease_s,
            safety_poll_s=settings.safety_poll_s,
            default_pool_slots=settings.default_pool_task_slot_count,
            paused_at_creation=settings.dags_are_paused_at_creation,
            secrets=SecretsOptions.of(settings),
            logs_folder=settings.logs_folder,
            tries=TrySettings(max_templated_field_length=settings.max_templated_field_length),
            reads_dag_files=settings.dag_processor,
            dag_files=folder_settings(settings),
        )
        return attrs.evolve(options, **others)


@asynccontextmanager
async def open(
    url: str = "sqlite:///flow.db",
    *,
    dags: Iterable[DAG] = (),
    dags_folder: str | Path | None = None,
    clock: Clock | None = None,
    options: Options | None = None,
) -> AsyncIterator[Flowcore]:
    """Run a scheduler on the database at `url` for the duration of the block.

    An empty database gets its schema. `dags` are registered before anything runs, others at any time with
    `register`; the files of `dags_folder` are read by processes of their own, and again whenever they change.
    Tries of other Dags are left to other schedulers. At the end of the block running tries have `grace_s` to
    end by themselves; an error in the block, or a cancellation, gives them back at once.

    Raises:
        DagError: one of the Dags cannot be used as written.
        SettingsError: the URL cannot be used, the schema is another version's (DatabaseOutOfDate), or
            another scheduler uses this SQLite database (DatabaseInUse).
        DatabaseUnavailable: the server did not answer.
    """
    options, clock = options or Options(), clock or SystemClock()
    bag = DagBag()
    for dag in dags:
        bag.add(dag)
    with single_error():
        async with open_database(
            url, clock=clock, pool_size=options.pool_size, inline=options.inline
        ) as database:
            await database.run(prepare, default_pool_slots=options.default_pool_slots)
            async with (
                serve_secrets(database, options.secrets) as secrets,
                _capture_logs(options.logs_folder) as logs,
                _serve(database, bag, dags_folder, secrets, logs, clock, options) as flowcore,
            ):
                yield flowcore


@asynccontextmanager
async def _capture_logs(folder: Path | None) -> AsyncIterator[LogFiles | None]:
    if folder is None:
        yield None
        return
    async with open_log_files(folder) as files:
        with capturing():
            yield files


@asynccontextmanager
async def _serve(
    database: Database,
    dags: DagBag,
    dags_folder: str | Path | None,
    secrets: Secrets,
    logs: LogFiles | None,
    clock: Clock,
    options: Options,
) -> AsyncIterator[Flowcore]:
    watch = RunWatch(database, poll_s=options.safety_poll_s)
    folder = None
    if dags_folder is not None:
        settings = options.dag_files if options.reads_dag_files else None
        folder = watched_folder(dags_folder, database, secrets, clock=clock, settings=settings)
    async with anyio.create_task_group() as services:
        executor = InProcessExecutor(
            tasks_of(dags, folder, database, secrets, services),
            sources_of_tries(database, secrets),
            clock=clock,
            parallelism=options.parallelism,
            async_parallelism=options.async_parallelism,
            logs=logs,
            settings=options.tries,
        )
        scheduler = _scheduler(database, executor, clock, options)
        flowcore = Flowcore(
            database,
            scheduler,
            dags,
            watch,
            secrets,
            folder=folder,
            clock=clock,
            paused_at_creation=options.paused_at_creation,
            creates_dag_runs=options.creates_dag_runs,
        )
        await services.start(database.serve)
        services.start_soon(watch.serve)
        services.start_soon(flowcore.serve_registrations)
        async with anyio.create_task_group() as nursery:
            await nursery.start(scheduler.serve)
            # Not before the scheduler has its lease: one that is refused must leave no trace.
            await flowcore.store_registered()
            if folder is not None:
                await nursery.start(look_after, folder, scheduler)
            yield flowcore
            scheduler.stop()
        services.cancel_scope.cancel()


def _scheduler(database: Database, executor: Executor, clock: Clock, options: Options) -> Scheduler:
    settings = SchedulerSettings(
        grace_s=options.grace_s,
        lease_s=options.lease_s,
        safety_poll_s=options.safety_poll_s,
        unhealthy_after_s=options.unhealthy_after_s,
        creates_dag_runs=options.creates_dag_runs,
    )
    return Scheduler(
        SqlStore(database),
        {executor.name: executor},
        wakeups=database.wakeups,
        clock=clock,
        settings=settings,
    )

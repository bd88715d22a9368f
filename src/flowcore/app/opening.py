"""`flowcore.open`: put a scheduler together inside the caller's event loop, and take it down again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio

from flowcore.abc import Executor
from flowcore.app.dag_bag import DagBag
from flowcore.app.dag_folders import WatchedFolder, look_after, watched_folder
from flowcore.app.executors import open_executor
from flowcore.app.flowcore import Flowcore
from flowcore.app.options import Options
from flowcore.app.run_listening import telling_listeners
from flowcore.app.run_watch import RunWatch
from flowcore.app.secrets import serve_secrets
from flowcore.clock import Clock, SystemClock
from flowcore.concurrency.single_error import single_error
from flowcore.database.engine import Database, open_database
from flowcore.database.schema import prepare
from flowcore.database.store import SqlStore
from flowcore.runner.xcoms.backends import open_xcoms
from flowcore.scheduler.callback_calls import CallbackCaller
from flowcore.scheduler.service import Scheduler, SchedulerSettings
from flowcore.sdk.dags import DAG
from flowcore.secrets.service import Secrets


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
                _serve(database, bag, dags_folder, secrets, clock, options) as flowcore,
            ):
                yield flowcore


@asynccontextmanager
async def _serve(
    database: Database,
    dags: DagBag,
    dags_folder: str | Path | None,
    secrets: Secrets,
    clock: Clock,
    options: Options,
) -> AsyncIterator[Flowcore]:
    watch = RunWatch(database, poll_s=options.safety_poll_s)
    folder = _folder(dags_folder, database, secrets, clock, options)
    async with (
        anyio.create_task_group() as services,
        open_executor(
            options,
            dags=dags,
            folder=folder,
            database=database,
            secrets=secrets,
            clock=clock,
            nursery=services,
        ) as (executor, caller),
    ):
        scheduler = _scheduler(database, store := SqlStore(database), executor, caller, clock, options)
        flowcore = Flowcore(
            database,
            scheduler,
            dags,
            watch,
            secrets,
            xcoms=open_xcoms(options.tries),
            folder=folder,
            clock=clock,
            options=options,
        )
        await services.start(database.serve)
        services.start_soon(watch.serve)
        services.start_soon(flowcore.serve_registrations)
        async with (
            telling_listeners(database, store, poll_s=options.safety_poll_s) as begun,
            anyio.create_task_group() as nursery,
        ):
            await nursery.start(scheduler.serve)
            begun()
            # Not before the scheduler has its lease: one that is refused must leave no trace.
            await flowcore.store_registered()
            if folder is not None:
                await nursery.start(look_after, folder, scheduler)
            yield flowcore
            scheduler.stop()
        services.cancel_scope.cancel()


def _folder(
    dags_folder: str | Path | None, database: Database, secrets: Secrets, clock: Clock, options: Options
) -> WatchedFolder | None:
    if dags_folder is None:
        return None
    settings = options.dag_files if options.reads_dag_files else None
    return watched_folder(dags_folder, database, secrets, clock=clock, settings=settings)


def _scheduler(
    database: Database,
    store: SqlStore,
    executor: Executor,
    caller: CallbackCaller,
    clock: Clock,
    options: Options,
) -> Scheduler:
    settings = SchedulerSettings(
        grace_s=options.grace_s,
        lease_s=options.lease_s,
        safety_poll_s=options.safety_poll_s,
        unhealthy_after_s=options.unhealthy_after_s,
        creates_dag_runs=options.creates_dag_runs,
    )
    return Scheduler(
        store,
        {executor.name: executor},
        caller=caller,
        wakeups=database.wakeups,
        clock=clock,
        settings=settings,
    )

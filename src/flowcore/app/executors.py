"""Puts the executor of a process together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import attrs
from anyio.abc import TaskGroup

from flowcore.abc import Executor
from flowcore.app.dag_bag import DagBag
from flowcore.app.dag_folders import WatchedFolder, tasks_of
from flowcore.app.options import Options
from flowcore.app.try_sources import sources_of_tries
from flowcore.clock import Clock
from flowcore.concurrency.current_backend import current_backend
from flowcore.database.dag_sources import DagSources
from flowcore.database.engine import Database
from flowcore.domain.try_settings import TrySettings
from flowcore.executors.by_dag import ByDag, CallbacksByDag
from flowcore.executors.in_process import InProcessExecutor
from flowcore.executors.in_process_callbacks import InProcessCallbacks
from flowcore.executors.local import LocalExecutor
from flowcore.executors.local_service import LocalLimits
from flowcore.plug_ins.listeners import has_listeners
from flowcore.runner.answers import ImportAnswers
from flowcore.runner.logs.capture import capturing
from flowcore.runner.logs.files import LogSink, open_log_files
from flowcore.runner.logs.printed_logs import PrintedLogs
from flowcore.runner.processes.owner import open_fork_server
from flowcore.runner.sources import TaskSource, TrySources
from flowcore.scheduler.callback_calls import CallbackCaller
from flowcore.secrets.service import Secrets
from flowcore.settings import ExecutorName


@asynccontextmanager
async def open_executor(
    options: Options,
    *,
    dags: DagBag,
    folder: WatchedFolder | None,
    database: Database,
    secrets: Secrets,
    clock: Clock,
    nursery: TaskGroup,
) -> AsyncIterator[tuple[Executor, CallbackCaller]]:
    """The executor, who calls callbacks of Dags, and what they need for the duration of the block.

    The executor is not served here.
    """
    async with AsyncExitStack() as stack:
        logs: LogSink | None = None
        if options.logs_folder is not None:
            logs = await stack.enter_async_context(open_log_files(options.logs_folder))
            stack.enter_context(capturing())
        tries = attrs.evolve(options.tries, has_listeners=has_listeners())
        answers = sources_of_tries(
            database,
            secrets,
            clock=clock,
            run_id_pattern=options.run_id_pattern,
            state_retention_s=options.state_retention_s,
        )
        tasks = tasks_of(dags, folder, database, secrets, nursery)
        here = _here(tasks, answers, clock=clock, logs=logs, settings=tries, options=options)
        if folder is None or options.executor is ExecutorName.IN_PROCESS:
            yield here
            return
        forks = await stack.enter_async_context(open_fork_server(answer=ImportAnswers(secrets).answer))
        elsewhere = LocalExecutor(
            forks,
            folder.catalogue,
            DagSources(database, folder.catalogue.folder),
            answers,
            clock=clock,
            settings=tries,
            backend=current_backend(),
            limits=LocalLimits(parallelism=options.parallelism, async_parallelism=options.async_parallelism),
            logs=logs or PrintedLogs(),
        )
        callbacks = CallbacksByDag(elsewhere.callbacks(), here[1], dags.has_dag)
        yield ByDag(elsewhere, here[0], dags.has_dag), callbacks


def _here(
    tasks: TaskSource,
    answers: TrySources,
    *,
    clock: Clock,
    logs: LogSink | None,
    settings: TrySettings,
    options: Options,
) -> tuple[Executor, CallbackCaller]:
    """What runs in this process."""
    executor = InProcessExecutor(
        tasks,
        answers,
        clock=clock,
        parallelism=options.parallelism,
        async_parallelism=options.async_parallelism,
        logs=logs,
        settings=settings,
    )
    return executor, InProcessCallbacks(tasks, answers, clock=clock, logs=logs, settings=settings)

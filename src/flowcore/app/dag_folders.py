"""Puts together what looks after the Dag folder of a process, and where the process finds its tasks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

import anyio
from anyio.abc import TaskGroup, TaskStatus

from flowcore.app.dag_bag import DagBag
from flowcore.app.folder_tasks import FolderTasks
from flowcore.app.stored_folder import StoredFolder
from flowcore.clock import Clock
from flowcore.database.dag_sources import DagSources
from flowcore.database.engine import Database
from flowcore.processor.catalogue import Catalogue
from flowcore.processor.service import DagFolder, FolderSettings
from flowcore.runner.answers import ImportAnswers
from flowcore.runner.dag_files.dag_imports import DagImports
from flowcore.runner.loop_comms import LoopComms
from flowcore.runner.processes.owner import open_fork_server
from flowcore.runner.sources import TaskSource
from flowcore.scheduler.service import Scheduler
from flowcore.secrets.service import Secrets
from flowcore.settings import Settings


class WatchedFolder(Protocol):
    """What knows the Dags of a folder: `DagFolder`, which reads its files, or `StoredFolder`."""

    @property
    def catalogue(self) -> Catalogue: ...
    async def serve(self, *, task_status: TaskStatus[None]) -> None: ...
    async def wait_settled(self) -> None: ...


def watched_folder(
    path: str | Path, database: Database, secrets: Secrets, *, clock: Clock, settings: FolderSettings | None
) -> WatchedFolder:
    """What reads the files of the folder at `path`; without `settings`, what hears of those who do."""
    absolute = os.path.abspath(path)
    if settings is None:
        return StoredFolder(absolute, database)
    return DagFolder(absolute, database, open_fork_server, secrets, clock=clock, settings=settings)


def folder_settings(settings: Settings) -> FolderSettings:
    """What an operator has set."""
    return FolderSettings(
        poll_s=settings.dags_folder_poll_s,
        read_again_s=settings.dag_file_interval_s,
        file_timeout_s=settings.dag_file_timeout_s,
        parsing_processes=settings.parsing_processes,
        safe_mode=settings.dag_discovery_safe_mode,
        ignore_syntax=settings.dag_ignore_file_syntax,
        paused_at_creation=settings.dags_are_paused_at_creation,
    )


def tasks_of(
    dags: DagBag, folder: WatchedFolder | None, database: Database, secrets: Secrets, nursery: TaskGroup
) -> TaskSource:
    """Where the in-process executor finds tasks; files of the folder are imported in `nursery`."""
    if folder is None:
        return dags
    sources = DagSources(database, folder.catalogue.folder)
    imports = DagImports(nursery, comms=LoopComms(ImportAnswers(secrets)))
    return FolderTasks(dags, folder.catalogue, sources, imports)


async def look_after(folder: WatchedFolder, scheduler: Scheduler, *, task_status: TaskStatus[None]) -> None:
    """Look after the folder until the scheduler is about to stop: nothing new is taken in from then on."""
    async with anyio.create_task_group() as nursery:
        await nursery.start(folder.serve)
        task_status.started()
        await scheduler.wait_stopping()
        nursery.cancel_scope.cancel()

"""`flowcore dag-processor` as a coroutine: reads the Dag files of a folder, for schedulers that do not."""

from __future__ import annotations

import logging
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import anyio

from flowcore.app.dag_folders import WatchedFolder, folder_settings, watched_folder
from flowcore.app.deadline import Deadline
from flowcore.app.secrets import SecretsOptions, serve_secrets
from flowcore.app.stop_signals import stop_signals
from flowcore.clock import SystemClock
from flowcore.concurrency.single_error import single_error
from flowcore.database.engine import Database, open_database
from flowcore.database.queries.dag_folders import known_folder
from flowcore.database.schema import prepare
from flowcore.domain.dag_files import KnownFolder
from flowcore.settings import Settings

log = logging.getLogger(__name__)

#: Reading ends at once: what was not stored is read again.
_GRACE_S = 1.0


async def run_dag_processor(settings: Settings) -> None:
    """Read the files of the Dag folder, again whenever they change, until SIGTERM or SIGINT."""
    with stop_signals(Deadline(), grace_s=_GRACE_S) as signals:
        async with _looked_after(settings) as (folder, _), anyio.create_task_group() as nursery:
            nursery.start_soon(_say_when_settled, folder)
            async for number in signals:
                log.info("%s: the Dag processor stops", signal.Signals(number).name)
                break
            nursery.cancel_scope.cancel()


async def read_dag_files(settings: Settings) -> KnownFolder:
    """Read every file of the Dag folder once; what is known of it then."""
    async with _looked_after(settings) as (folder, database):
        await folder.wait_settled()
        return await database.read(known_folder, folder.catalogue.folder)


@asynccontextmanager
async def _looked_after(settings: Settings) -> AsyncIterator[tuple[WatchedFolder, Database]]:
    slots = settings.default_pool_task_slot_count
    options = SecretsOptions.of(settings)
    with single_error():
        async with (
            open_database(settings.database_url) as database,
            serve_secrets(database, options) as secrets,
        ):
            await database.run(partial(prepare, default_pool_slots=slots))
            folder = watched_folder(
                settings.dags_folder,
                database,
                secrets,
                clock=SystemClock(),
                settings=folder_settings(settings),
            )
            async with anyio.create_task_group() as nursery:
                await nursery.start(folder.serve)
                yield folder, database
                nursery.cancel_scope.cancel()


async def _say_when_settled(folder: WatchedFolder) -> None:
    await folder.wait_settled()
    log.info("the Dag files of %s have been read", folder.catalogue.folder)

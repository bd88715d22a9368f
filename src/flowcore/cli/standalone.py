"""`flowcore standalone`: set up everything and run it in one process."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from flowcore.cli import options
from flowcore.cli.asking import set_up_database
from flowcore.cli.logs import configure_logging
from flowcore.cli.scheduler import serve
from flowcore.database.migrations import migrate
from flowcore.errors import SettingsError
from flowcore.settings import load_settings


@click.command()
@options.database_url
@options.dags_folder
@options.logs_folder
@options.executor
@options.backend
@options.grace
@click.pass_context
def standalone(
    ctx: click.Context,
    database_url: str | None,
    dags_folder: str | None,
    logs_folder: str | None,
    executor: str | None,
    backend: str | None,
    grace: float | None,
) -> None:
    """Set up everything and run it in one process.

    Unlike `flowcore scheduler` it brings the database up to date and creates the Dag folder.
    """
    settings = load_settings(
        {
            "database_url": database_url,
            "dags_folder": dags_folder,
            "logs_folder": logs_folder,
            "executor": executor,
            "backend": backend,
            "grace_s": grace,
        }
    )
    configure_logging(settings.log_level)
    _create_folder(settings.dags_folder)
    set_up_database(settings, partial(migrate, default_pool_slots=settings.default_pool_task_slot_count))
    ctx.exit(serve(settings, until_idle=False))


def _create_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"the Dag folder {folder} cannot be created: {error.strerror}; name another with --dags-folder"
        ) from error

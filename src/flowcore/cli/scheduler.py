"""`flowcore scheduler`: run the Dags of a folder until told to stop."""

from __future__ import annotations

from functools import partial

import click

from flowcore.app import run_scheduler
from flowcore.cli import options
from flowcore.cli.event_loop import run_on_loop
from flowcore.cli.logs import configure_logging
from flowcore.errors import SettingsError
from flowcore.settings import Settings, load_settings


@click.command()
@options.database_url
@options.dags_folder
@options.logs_folder
@options.executor
@options.backend
@options.grace
@click.option(
    "--dag-processor/--no-dag-processor",
    default=None,
    help="Read the Dag files, or leave that to `flowcore dag-processor`.  [env: FLOWCORE_DAG_PROCESSOR]",
)
@click.option("--until-idle", is_flag=True, help="End when nothing runs or is due.")
@click.pass_context
def scheduler(
    ctx: click.Context,
    database_url: str | None,
    dags_folder: str | None,
    logs_folder: str | None,
    executor: str | None,
    backend: str | None,
    grace: float | None,
    dag_processor: bool | None,
    until_idle: bool,
) -> None:
    """Run the Dags of a folder, now and when they are due.

    SIGTERM or SIGINT ends it: running tries have the grace period to end by themselves, then they are
    given back and run again when a scheduler is started next. A second signal skips the grace period.
    """
    settings = load_settings(
        {
            "database_url": database_url,
            "dags_folder": dags_folder,
            "logs_folder": logs_folder,
            "executor": executor,
            "backend": backend,
            "grace_s": grace,
            "dag_processor": dag_processor,
        }
    )
    configure_logging(settings.log_level)
    ctx.exit(serve(settings, until_idle=until_idle))


def require_folder(settings: Settings) -> None:
    """Return if there is a Dag folder.

    Raises:
        SettingsError: there is none.
    """
    if not settings.dags_folder.is_dir():
        raise SettingsError(
            f"there is no Dag folder {settings.dags_folder}; create it, or name another with --dags-folder"
        )


def serve(settings: Settings, *, until_idle: bool) -> int:
    """Run a scheduler to its end; the exit status.

    Raises:
        SettingsError: there is no Dag folder.
    """
    if settings.dag_processor:
        require_folder(settings)
    return run_on_loop(settings.backend, partial(run_scheduler, settings, until_idle=until_idle))

"""`flowcore dag-processor` and `flowcore dags reserialize`: read Dag files, and run nothing."""

from __future__ import annotations

from functools import partial

import click

from flowcore.app.dag_processor import read_dag_files, run_dag_processor
from flowcore.cli import options
from flowcore.cli.event_loop import run_on_loop
from flowcore.cli.logs import configure_logging
from flowcore.cli.scheduler import require_folder
from flowcore.settings import load_settings


@click.command("dag-processor")
@options.database_url
@options.dags_folder
@options.backend
def dag_processor(database_url: str | None, dags_folder: str | None, backend: str | None) -> None:
    """Read the Dag files of a folder.

    And again whenever they change, until SIGTERM or SIGINT. For schedulers that run with --no-dag-processor;
    the others do this themselves.
    """
    settings = load_settings({"database_url": database_url, "dags_folder": dags_folder, "backend": backend})
    configure_logging(settings.log_level)
    require_folder(settings)
    run_on_loop(settings.backend, partial(run_dag_processor, settings))


@click.command()
@options.database_url
@options.dags_folder
@click.pass_context
def reserialize(ctx: click.Context, database_url: str | None, dags_folder: str | None) -> None:
    """Read every Dag file once and store what it makes; exit status 2 if a file cannot be imported."""
    settings = load_settings({"database_url": database_url, "dags_folder": dags_folder})
    configure_logging(settings.log_level)
    require_folder(settings)
    known = run_on_loop(settings.backend, partial(read_dag_files, settings))
    click.echo(f"{len(known.active)} Dags, {len(known.failed)} files that cannot be imported")
    ctx.exit(2 if known.failed else 0)

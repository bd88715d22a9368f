"""`flowcore db clean`: delete old runs with all that belongs to them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from pathlib import Path

import click

from flowcore.abc import XComBackend
from flowcore.app.archive_files import ArchiveFiles
from flowcore.app.cleaning import Cleaning, clean, count_old
from flowcore.app.options import try_settings
from flowcore.cli import changes, options
from flowcore.cli.asking import use_database
from flowcore.cli.moments import parse_moment
from flowcore.cli.output import print_rows
from flowcore.domain.retention import Retention
from flowcore.errors import UsageError
from flowcore.runner.xcoms.backends import open_xcoms
from flowcore.settings import Settings, load_settings

_dags = partial(click.option, metavar="DAG_ID,…", callback=lambda _, __, value: _names(value))


def _names(value: str | None) -> frozenset[str] | None:
    return None if value is None else frozenset(filter(None, map(str.strip, value.split(","))))


@click.command("clean")
@click.option(
    "--clean-before-timestamp",
    "before",
    metavar="TIME",
    type=parse_moment,
    required=True,
    help="Runs that ended before this are old.",
)
@_dags("--dag-ids", help="Only runs of these Dags.")
@_dags("--exclude-dag-ids", help="No runs of these Dags.")
@click.option(
    "--archive", "folder", metavar="FOLDER", type=Path, help="Keep the rows as files in this folder."
)
@click.option("--skip-archive", is_flag=True, help="Keep nothing.")
@click.option("--logs", "with_logs", is_flag=True, help="Remove the logs of these runs from the logs folder.")
@click.option(
    "--batch-size",
    type=click.IntRange(1),
    default=1_000,
    show_default=True,
    help="Task instances that one transaction deletes.",
)
@changes.dry_run
@changes.yes
@options.database_url
@options.logs_folder
@options.output
def clean_db(
    before: datetime,
    dag_ids: frozenset[str] | None,
    exclude_dag_ids: frozenset[str] | None,
    folder: Path | None,
    skip_archive: bool,
    with_logs: bool,
    batch_size: int,
    dry_run: bool,
    yes: bool,
    database_url: str | None,
    logs_folder: str | None,
    output: str,
) -> None:
    """Delete runs that ended long ago, with all that belongs to them; prints how many rows of which table.

    The newest run of each Dag stays, and so does whatever a run that has not ended may look at.
    """
    if not dry_run and (folder is None) != skip_archive:
        raise UsageError("say what shall become of the rows: either --archive FOLDER or --skip-archive")
    settings = load_settings({"database_url": database_url, "logs_folder": logs_folder})
    cleaning = Cleaning(
        retention=Retention(before=before, dag_ids=dag_ids, spared_dag_ids=exclude_dag_ids or frozenset()),
        batch_size=batch_size,
        archive=None if folder is None else ArchiveFiles(folder),
        xcoms=_xcoms(settings),
        logs_folder=settings.logs_folder if with_logs else None,
    )
    if dry_run or not yes:
        counts = use_database(settings, partial(count_old, cleaning=cleaning))
        if dry_run:
            _print(counts, output)
            return
        runs = changes.counted(counts["dag_run"], "run")
        click.confirm(f"Delete {runs} with all that belongs to them?", abort=True, err=True)
    _print(use_database(settings, partial(clean, cleaning=cleaning)), output)


def _xcoms(settings: Settings) -> XComBackend | None:
    backend = open_xcoms(try_settings(settings)).backend
    return backend if backend.waits else None


def _print(counts: Mapping[str, int], output: str) -> None:
    print_rows([{"table": table, "rows": rows} for table, rows in sorted(counts.items()) if rows], output)

"""`flowcore dags`: list, trigger, pause and look at Dags."""

from __future__ import annotations

from functools import partial

import attrs
import click

from flowcore.cli import options
from flowcore.cli.asking import change_database, read_database
from flowcore.cli.dag_processor import reserialize
from flowcore.cli.dags_change import clear, delete, delete_run, set_run_state
from flowcore.cli.dags_check_airflow import check_airflow
from flowcore.cli.dags_show import show
from flowcore.cli.dags_trigger import trigger
from flowcore.cli.output import print_rows
from flowcore.database.queries import listing_dags, listing_runs
from flowcore.database.queries.pausing import set_paused
from flowcore.settings import load_settings


@click.group()
def dags() -> None:
    """List, trigger, pause and look at Dags."""


@dags.command("list")
@options.database_url
@options.output
def list_dags(database_url: str | None, output: str) -> None:
    """List the Dags that a scheduler has registered."""
    settings = load_settings({"database_url": database_url})
    print_rows([attrs.asdict(dag) for dag in read_database(settings, listing_dags.list_dags)], output)


@dags.command()
@click.argument("dag_id")
@options.database_url
def pause(dag_id: str, database_url: str | None) -> None:
    """Start no further runs and tries of a Dag."""
    _set_paused(dag_id, True, database_url)


@dags.command()
@click.argument("dag_id")
@options.database_url
def unpause(dag_id: str, database_url: str | None) -> None:
    """Let a paused Dag go on."""
    _set_paused(dag_id, False, database_url)


@dags.command("list-runs")
@click.argument("dag_id")
@options.database_url
@options.output
def list_runs(dag_id: str, database_url: str | None, output: str) -> None:
    """List the runs of a Dag, the latest first."""
    settings = load_settings({"database_url": database_url})
    runs = read_database(settings, partial(listing_runs.list_runs, dag_id=dag_id))
    print_rows([attrs.asdict(run) for run in runs], output)


@dags.command("next-execution")
@click.argument("dag_id")
@options.database_url
@options.output
def next_execution(dag_id: str, database_url: str | None, output: str) -> None:
    """Show when a Dag runs next by its schedule."""
    settings = load_settings({"database_url": database_url})
    run = read_database(settings, partial(listing_dags.next_run, dag_id=dag_id))
    print_rows([{"dag_id": dag_id, **attrs.asdict(run)}], output)


@dags.command("list-import-errors")
@options.database_url
@options.output
def list_import_errors(database_url: str | None, output: str) -> None:
    """List the Dag files that the scheduler could not import."""
    settings = load_settings({"database_url": database_url})
    errors = read_database(settings, listing_dags.list_import_errors)
    # The detail of an error is a traceback: too long for a table.
    shown = attrs.fields(listing_dags.ListedImportError)
    hidden = attrs.filters.exclude(*[shown.detail] if output == "table" else [])
    print_rows([attrs.asdict(error, filter=hidden) for error in errors], output)


def _set_paused(dag_id: str, is_paused: bool, database_url: str | None) -> None:
    settings = load_settings({"database_url": database_url})
    change_database(settings, partial(set_paused, dag_id=dag_id, is_paused=is_paused))
    click.echo(f"{dag_id} is {'paused' if is_paused else 'no longer paused'}")


for command in (trigger, show, clear, set_run_state, delete_run, delete):
    dags.add_command(command)
dags.add_command(check_airflow)
dags.add_command(reserialize)

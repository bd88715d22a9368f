"""`flowcore dags clear`, `set-run-state`, `delete-run` and `delete`: what is done to whole runs and Dags."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TypeVar

import click

from flowcore.app.options import try_settings
from flowcore.app.run_changes import only_states
from flowcore.app.xcom_removal import delete_with_xcoms
from flowcore.cli import changes, options
from flowcore.cli.asking import read_database, use_database
from flowcore.cli.changes import counted
from flowcore.database.lanes import BoundUnit
from flowcore.database.queries import deleting
from flowcore.database.queries.clearing import clear_task_instances
from flowcore.database.queries.listing_runs import list_runs
from flowcore.database.queries.marking import mark_runs
from flowcore.domain.selections import RunSelection, TaskSelection
from flowcore.domain.states import FINISHED_RUN
from flowcore.runner.xcoms.backends import open_xcoms
from flowcore.settings import Settings, load_settings

T = TypeVar("T")


@click.command()
@click.argument("dag_id")
@changes.run_id
@changes.start_date
@changes.end_date
@changes.only_failed
@changes.latest_version
@changes.dry_run
@changes.yes
@options.database_url
@options.output
def clear(
    dag_id: str,
    run_id: str | None,
    start_date: datetime | None,
    end_date: datetime | None,
    only_failed: bool,
    latest_version: bool,
    dry_run: bool,
    yes: bool,
    database_url: str | None,
    output: str,
) -> None:
    """Let runs of a Dag begin again; prints what their task instances were before."""
    unit = partial(
        clear_task_instances,
        runs=RunSelection(dag_id=dag_id, run_id=run_id, start_date=start_date, end_date=end_date),
        tasks=TaskSelection(),
        only=only_states(only_failed=only_failed, only_running=False),
        latest_version=latest_version,
    )
    settings = load_settings({"database_url": database_url})
    changes.change(settings, unit, verb="Clear", dry_run=dry_run, yes=yes, output=output)


@click.command("set-run-state")
@click.argument("dag_id")
@click.argument("run_id")
@click.argument("state", type=click.Choice(sorted(end.value for end in FINISHED_RUN)))
@changes.dry_run
@options.database_url
@options.output
def set_run_state(
    dag_id: str, run_id: str, state: str, dry_run: bool, database_url: str | None, output: str
) -> None:
    """End a run with its task instances; prints what these were before. Tries that run are stopped."""
    unit = partial(mark_runs, runs=RunSelection(dag_id=dag_id, run_id=run_id), state=state)
    settings = load_settings({"database_url": database_url})
    changes.change(settings, unit, verb="Mark", dry_run=dry_run, yes=True, output=output)


@click.command("delete-run")
@click.argument("dag_id")
@click.argument("run_id")
@options.database_url
def delete_run(dag_id: str, run_id: str, database_url: str | None) -> None:
    """Delete a run with all that is known of it."""
    settings = load_settings({"database_url": database_url})
    _delete(settings, partial(deleting.delete_run, dag_id=dag_id, run_id=run_id), dag_id, run_id)
    click.echo(f"run {run_id} of {dag_id} is deleted")


@click.command()
@click.argument("dag_id")
@changes.yes
@options.database_url
def delete(dag_id: str, yes: bool, database_url: str | None) -> None:
    """Delete a Dag with its versions and runs. It comes back if its file is there."""
    settings = load_settings({"database_url": database_url})
    if not yes:
        runs = read_database(settings, partial(list_runs, dag_id=dag_id))
        click.confirm(f"Delete Dag {dag_id} and {counted(len(runs), 'run')}?", abort=True, err=True)
    count = _delete(settings, partial(deleting.delete_dag, dag_id=dag_id), dag_id)
    click.echo(f"{dag_id} is deleted, with {counted(count, 'run')}")


def _delete(settings: Settings, unit: BoundUnit[T], dag_id: str, run_id: str | None = None) -> T:
    xcoms = open_xcoms(try_settings(settings)).backend
    return use_database(
        settings, partial(delete_with_xcoms, delete=unit, xcoms=xcoms, dag_id=dag_id, run_id=run_id)
    )

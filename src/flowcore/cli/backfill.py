"""`flowcore backfill`: make up for runs that a schedule asks for between two dates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

import attrs
import click

from flowcore.cli import options
from flowcore.cli.asking import change_database, read_database
from flowcore.cli.changes import counted
from flowcore.cli.conf import parse_conf
from flowcore.cli.moments import parse_moment
from flowcore.cli.output import print_rows
from flowcore.clock import SystemClock
from flowcore.database.queries.backfills import (
    ListedBackfill,
    cancel_backfill,
    list_backfills,
    pause_backfill,
)
from flowcore.database.queries.create_backfill import create_backfill
from flowcore.domain.backfills import MAX_ACTIVE_RUNS, BackfillRequest, ReprocessBehavior
from flowcore.domain.states import DagRunState
from flowcore.settings import load_settings


@click.group()
def backfill() -> None:
    """Make up for runs between two dates."""


@backfill.command()
@click.option("--dag-id", metavar="ID", required=True, help="The Dag.")
@click.option("--from-date", metavar="TIME", type=parse_moment, required=True, help="First logical date.")
@click.option("--to-date", metavar="TIME", type=parse_moment, required=True, help="Last logical date.")
@click.option("--dag-run-conf", metavar="JSON", help="What the runs are given, as a JSON object.")
@click.option("--run-backwards", is_flag=True, help="Start the newest run first.")
@click.option(
    "--max-active-runs",
    metavar="N",
    type=int,
    default=MAX_ACTIVE_RUNS,
    show_default=True,
    help="How many of its runs may run at the same time, beside others of the Dag.",
)
@click.option(
    "--reprocess-behavior",
    type=click.Choice([behavior.value for behavior in ReprocessBehavior]),
    default=ReprocessBehavior.NONE.value,
    show_default=True,
    help="Which runs that are there already run again.",
)
@click.option("--run-on-latest-version", is_flag=True, help="Move these to the newest version of the Dag.")
@click.option("--dry-run", is_flag=True, help="Only list what it would do about each date.")
@options.database_url
@options.output
def create(
    dag_id: str,
    from_date: datetime,
    to_date: datetime,
    dag_run_conf: str | None,
    run_backwards: bool,
    max_active_runs: int,
    reprocess_behavior: str,
    run_on_latest_version: bool,
    dry_run: bool,
    database_url: str | None,
    output: str,
) -> None:
    """Create a backfill; running schedulers carry it out. Prints what it does about each date."""
    request = BackfillRequest(
        dag_id=dag_id,
        from_date=from_date,
        to_date=to_date,
        max_active_runs=max_active_runs,
        run_backwards=run_backwards,
        reprocess_behavior=ReprocessBehavior(reprocess_behavior),
        conf=None if dag_run_conf is None else parse_conf(dag_run_conf),
        latest_version=run_on_latest_version,
    )
    settings = load_settings({"database_url": database_url})
    unit = partial(create_backfill, request=request, dry_run=dry_run, now=SystemClock().now())
    created = change_database(settings, unit)
    print_rows(
        [
            {"backfill_id": created.id, "logical_date": one.logical_date, "action": one.action}
            for one in created.dates
        ],
        output,
    )


@backfill.command("list")
@click.option("--dag-id", metavar="ID", help="Only those of one Dag.")
@options.database_url
@options.output
def list_command(dag_id: str | None, database_url: str | None, output: str) -> None:
    """List backfills in the order in which they were created."""
    settings = load_settings({"database_url": database_url})
    found = read_database(settings, partial(list_backfills, dag_id=dag_id))
    print_rows([_row(one) for one in found], output)


@backfill.command()
@click.argument("backfill_id", type=int)
@options.database_url
def pause(backfill_id: int, database_url: str | None) -> None:
    """Start no further runs of a backfill."""
    settings = load_settings({"database_url": database_url})
    change_database(settings, partial(pause_backfill, backfill_id=backfill_id, is_paused=True))
    click.echo(f"backfill {backfill_id} is paused")


@backfill.command()
@click.argument("backfill_id", type=int)
@options.database_url
def unpause(backfill_id: int, database_url: str | None) -> None:
    """Let a paused backfill go on."""
    settings = load_settings({"database_url": database_url})
    change_database(settings, partial(pause_backfill, backfill_id=backfill_id, is_paused=False))
    click.echo(f"backfill {backfill_id} is no longer paused")


@backfill.command()
@click.argument("backfill_id", type=int)
@options.database_url
def cancel(backfill_id: int, database_url: str | None) -> None:
    """Give a backfill up: its queued runs fail, those that are running go on to their ends."""
    settings = load_settings({"database_url": database_url})
    change_database(settings, partial(cancel_backfill, backfill_id=backfill_id, now=SystemClock().now()))
    click.echo(f"backfill {backfill_id} is cancelled")


def _row(one: ListedBackfill) -> Mapping[str, Any]:
    row = attrs.asdict(one, filter=attrs.filters.exclude("runs"))
    return {**row, "runs": _in_words(one.runs)}


def _in_words(runs: Mapping[DagRunState, int]) -> str:
    total = counted(sum(runs.values()), "run")
    return ", ".join([total, *(f"{runs[state]} {state}" for state in DagRunState if state in runs)])

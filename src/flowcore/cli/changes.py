"""What commands that change runs by hand have in common: their options, and asking before they do it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import attrs
import click

from flowcore.cli.asking import change_database
from flowcore.cli.moments import parse_moment
from flowcore.cli.output import print_rows
from flowcore.clock import SystemClock
from flowcore.database.queries.changed_instances import ChangedInstance
from flowcore.settings import Settings

Change = Callable[..., Sequence[ChangedInstance]]

start_date = click.option(
    "-s", "--start-date", metavar="TIME", type=parse_moment, help="Earliest logical date of a run."
)
end_date = click.option(
    "-e", "--end-date", metavar="TIME", type=parse_moment, help="Latest logical date of a run."
)
run_id = click.option("--run-id", metavar="ID", help="One run, in place of dates.")
past = click.option("--past", is_flag=True, help="Also in runs of earlier logical dates.")
future = click.option("--future", is_flag=True, help="Also in runs of later logical dates.")
upstream = click.option("-u", "--upstream", is_flag=True, help="Also all tasks before these.")
downstream = click.option("-d", "--downstream", is_flag=True, help="Also all tasks after these.")
only_failed = click.option("-f", "--only-failed", is_flag=True, help="Only what has failed.")
only_running = click.option("-r", "--only-running", is_flag=True, help="Only what is running.")
latest_version = click.option(
    "--latest-version", is_flag=True, help="Move runs that have ended to the newest version of the Dag."
)
dry_run = click.option("-n", "--dry-run", is_flag=True, help="Only list what would change.")
yes = click.option("-y", "--yes", is_flag=True, help="Do not ask.")


def change(settings: Settings, unit: Change, *, verb: str, dry_run: bool, yes: bool, output: str) -> None:
    """Show what a change is about, ask, do it, and print the task instances with their states before."""
    unit = partial(unit, now=SystemClock().now())
    if dry_run or not yes:
        found = change_database(settings, partial(unit, dry_run=True))
        if dry_run:
            print_rows([_row(one) for one in found], output)
            return
        about = counted(len(found), "task instance")
        runs = counted(len({(one.dag_id, one.run_id) for one in found}), "run")
        click.confirm(f"{verb} {about} of {runs}?", abort=True, err=True)
    print_rows([_row(one) for one in change_database(settings, unit)], output)


def counted(count: int, noun: str) -> str:
    """A number of things in words: "1 run", "2 runs"."""
    return f"{count} {noun}" + ("" if count == 1 else "s")


def _row(one: ChangedInstance) -> dict[str, Any]:
    return {**attrs.asdict(one, filter=attrs.filters.exclude("state")), "was": one.state}

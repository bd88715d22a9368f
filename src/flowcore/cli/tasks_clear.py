"""`flowcore tasks clear`: let tasks begin again."""

from __future__ import annotations

from datetime import datetime
from functools import partial

import click

from flowcore.app.run_changes import only_states
from flowcore.cli import changes, options
from flowcore.database.queries.clearing import clear_task_instances
from flowcore.domain.selections import RunSelection, TaskSelection
from flowcore.settings import load_settings


@click.command()
@click.argument("dag_id")
@click.option("-t", "--task-regex", metavar="REGEX", help="Tasks in whose ids it is found; without it, all.")
@click.option("--map-index", metavar="N", type=int, multiple=True, help="Of mapped tasks only this element.")
@changes.start_date
@changes.end_date
@changes.run_id
@changes.past
@changes.future
@changes.upstream
@changes.downstream
@changes.only_failed
@changes.only_running
@changes.latest_version
@changes.dry_run
@changes.yes
@options.database_url
@options.output
def clear(
    dag_id: str,
    task_regex: str | None,
    map_index: tuple[int, ...],
    start_date: datetime | None,
    end_date: datetime | None,
    run_id: str | None,
    past: bool,
    future: bool,
    upstream: bool,
    downstream: bool,
    only_failed: bool,
    only_running: bool,
    latest_version: bool,
    dry_run: bool,
    yes: bool,
    database_url: str | None,
    output: str,
) -> None:
    """Let tasks of a Dag begin again, in the runs of the given dates; prints what they were before."""
    unit = partial(
        clear_task_instances,
        runs=RunSelection(
            dag_id=dag_id,
            run_id=run_id,
            past=past,
            future=future,
            start_date=start_date,
            end_date=end_date,
        ),
        tasks=TaskSelection(
            task_regex=task_regex,
            upstream=upstream,
            downstream=downstream,
            map_indexes=frozenset(map_index) or None,
        ),
        only=only_states(only_failed=only_failed, only_running=only_running),
        latest_version=latest_version,
    )
    settings = load_settings({"database_url": database_url})
    changes.change(settings, unit, verb="Clear", dry_run=dry_run, yes=yes, output=output)

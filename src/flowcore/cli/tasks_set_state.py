"""`flowcore tasks set-state`: say how a task has ended."""

from __future__ import annotations

from functools import partial

import click

from flowcore.cli import changes, options
from flowcore.database.queries.marking import mark_task_instances
from flowcore.domain.selections import RunSelection, TaskSelection
from flowcore.scheduler.decisions.change_task_instances import MARKS
from flowcore.settings import load_settings


@click.command("set-state")
@click.argument("dag_id")
@click.argument("run_id")
@click.argument("task_id")
@click.argument("state", type=click.Choice(sorted(mark.value for mark in MARKS)))
@click.option("--map-index", metavar="N", type=int, multiple=True, help="Of a mapped task only this element.")
@changes.past
@changes.future
@changes.upstream
@changes.downstream
@changes.dry_run
@options.database_url
@options.output
def set_state(
    dag_id: str,
    run_id: str,
    task_id: str,
    state: str,
    map_index: tuple[int, ...],
    past: bool,
    future: bool,
    upstream: bool,
    downstream: bool,
    dry_run: bool,
    database_url: str | None,
    output: str,
) -> None:
    """Say how a task has ended in a run; prints what it was before. A try that runs is stopped."""
    unit = partial(
        mark_task_instances,
        runs=RunSelection(dag_id=dag_id, run_id=run_id, past=past, future=future),
        tasks=TaskSelection(
            task_ids=frozenset({task_id}),
            upstream=upstream,
            downstream=downstream,
            map_indexes=frozenset(map_index) or None,
        ),
        state=state,
    )
    settings = load_settings({"database_url": database_url})
    changes.change(settings, unit, verb="Mark", dry_run=dry_run, yes=True, output=output)

"""`flowcore tasks test` and `run`: one try of one task, alone, with nothing stored; here, or apart."""

from __future__ import annotations

import json
import sys
from collections.abc import Awaitable, Callable
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any

import click

from flowcore.app.options import try_settings
from flowcore.app.task_runs import run_task_apart
from flowcore.app.task_tests import try_task
from flowcore.cli import options
from flowcore.cli.conf import parse_conf
from flowcore.cli.dag_files import authors_dag
from flowcore.cli.event_loop import run_on_loop
from flowcore.cli.failures import FAILED
from flowcore.cli.logs import configure_logging
from flowcore.cli.output import print_json
from flowcore.cli.single_tasks import open_sources, run_looked_at
from flowcore.domain.workloads import RunFacts, TryOutcome
from flowcore.errors import DagNotFound
from flowcore.runner.endings import Ending
from flowcore.sdk.dags import DAG
from flowcore.sdk.loading import read_dag_source
from flowcore.settings import Settings, load_settings

_GOOD = (TryOutcome.SUCCESS, TryOutcome.SKIPPED)


Carry = Callable[[Settings, DAG, str, RunFacts, int], Awaitable[Ending]]


def _of_one_try(command: Callable[..., None]) -> Callable[..., None]:
    """The arguments and options of both commands."""
    for decorate in (
        click.pass_context,
        options.backend,
        options.dags_folder,
        options.database_url,
        options.map_index,
        click.option("-c", "--conf", metavar="JSON", help="What a made-up run is given, as a JSON object."),
        click.argument("run", metavar="[RUN_ID|LOGICAL_DATE]", required=False),
        click.argument("task_id"),
        click.argument("dag_id"),
    ):
        command = decorate(command)
    return command


@click.command("test")
@_of_one_try
def test_task(ctx: click.Context, **arguments: Any) -> None:
    """Carry out one try of a task in this process, alone, and print what it pushed.

    In the run of that id, whose XComs it finds; otherwise in one that is made up for that logical date, which
    is now if none is given. Nothing is stored, and it waits for no other task. Exit status 1 when it failed.
    """
    _carry_out(ctx, _try_here, **arguments)


@click.command("run")
@_of_one_try
def run_task(ctx: click.Context, **arguments: Any) -> None:
    """Carry out one try of a task as the local executor does, alone, and print what it pushed.

    In a process of its own, or in a worker, with its limits. In the run of that id, whose XComs it finds;
    otherwise in one that is made up for that logical date, which is now if none is given. Nothing is stored:
    `flowcore tasks clear` lets a task begin again in its run. Exit status 1 when it failed.
    """
    _carry_out(ctx, _try_apart, **arguments)


def _carry_out(
    ctx: click.Context,
    carry: Carry,
    *,
    dag_id: str,
    task_id: str,
    run: str | None,
    conf: str | None,
    map_index: int,
    **given: str | None,
) -> None:
    settings = load_settings(given)
    configure_logging(settings.log_level)
    # Standard output is for the outcome.
    with redirect_stdout(sys.stderr):
        dag = authors_dag(settings, DagNotFound(dag_id))
        facts = run_looked_at(settings, dag, run, parse_conf(conf))
        ending = run_on_loop(settings.backend, partial(carry, settings, dag, task_id, facts, map_index))
    if ending.error:
        click.echo(ending.error, err=True)
    pushed = {key: json.loads(text) for key, text in ending.xcoms.items()}
    print_json({"outcome": ending.outcome, "xcoms": pushed})
    ctx.exit(0 if ending.outcome in _GOOD else FAILED)


async def _try_here(settings: Settings, dag: DAG, task_id: str, run: RunFacts, map_index: int) -> Ending:
    tries = try_settings(settings)
    async with open_sources(settings) as (database, secrets):
        return await try_task(
            dag, task_id, run=run, map_index=map_index, database=database, secrets=secrets, settings=tries
        )


async def _try_apart(settings: Settings, dag: DAG, task_id: str, run: RunFacts, map_index: int) -> Ending:
    tries = try_settings(settings)
    source = read_dag_source(Path(dag.fileloc or ""), folder=settings.dags_folder)
    async with open_sources(settings) as (database, secrets):
        return await run_task_apart(
            dag,
            source,
            task_id,
            run=run,
            map_index=map_index,
            database=database,
            secrets=secrets,
            settings=tries,
        )

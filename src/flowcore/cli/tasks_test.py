"""`flowcore tasks test`: one try of one task, alone, with nothing stored."""

from __future__ import annotations

import json
import sys
from contextlib import redirect_stdout
from functools import partial

import click

from flowcore.app.options import try_settings
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
from flowcore.settings import Settings, load_settings

_GOOD = (TryOutcome.SUCCESS, TryOutcome.SKIPPED)


@click.command("test")
@click.argument("dag_id")
@click.argument("task_id")
@click.argument("run", metavar="[RUN_ID|LOGICAL_DATE]", required=False)
@click.option("-c", "--conf", metavar="JSON", help="What a made-up run is given, as a JSON object.")
@options.database_url
@options.dags_folder
@options.backend
@click.pass_context
def test_task(
    ctx: click.Context,
    dag_id: str,
    task_id: str,
    run: str | None,
    conf: str | None,
    database_url: str | None,
    dags_folder: str | None,
    backend: str | None,
) -> None:
    """Carry out one try of a task, alone, and print what it pushed.

    In the run of that id, whose XComs it finds; otherwise in one that is made up for that logical date, which
    is now if none is given. Nothing is stored, and it waits for no other task. Exit status 1 when it failed.
    """
    settings = load_settings({"database_url": database_url, "dags_folder": dags_folder, "backend": backend})
    configure_logging(settings.log_level)
    # Standard output is for the outcome.
    with redirect_stdout(sys.stderr):
        dag = authors_dag(settings, DagNotFound(dag_id))
        facts = run_looked_at(settings, dag, run, parse_conf(conf))
        ending = run_on_loop(settings.backend, partial(_try, settings, dag, task_id, facts))
    if ending.error:
        click.echo(ending.error, err=True)
    pushed = {key: json.loads(text) for key, text in ending.xcoms.items()}
    print_json({"outcome": ending.outcome, "xcoms": pushed})
    ctx.exit(0 if ending.outcome in _GOOD else FAILED)


async def _try(settings: Settings, dag: DAG, task_id: str, run: RunFacts) -> Ending:
    tries = try_settings(settings)
    async with open_sources(settings) as (database, secrets):
        return await try_task(dag, task_id, run=run, database=database, secrets=secrets, settings=tries)

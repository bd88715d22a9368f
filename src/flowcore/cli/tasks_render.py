"""`flowcore tasks render` and `rendered`: what the templates of a task would become, and what they became."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

import click

from flowcore.app.options import try_settings
from flowcore.app.rendering import render_task
from flowcore.cli import options
from flowcore.cli.asking import read_database
from flowcore.cli.conf import parse_conf
from flowcore.cli.dag_files import authors_dag
from flowcore.cli.event_loop import run_on_loop
from flowcore.cli.output import print_json
from flowcore.cli.single_tasks import open_sources, run_looked_at
from flowcore.database.queries.rendered_fields import read_rendered_fields
from flowcore.domain.workloads import RunFacts
from flowcore.errors import DagNotFound, UsageError
from flowcore.sdk.dags import DAG
from flowcore.settings import Settings, load_settings


@click.command()
@click.argument("dag_id")
@click.argument("task_id")
@click.argument("run", metavar="[RUN_ID|LOGICAL_DATE]", required=False)
@click.option("-c", "--conf", metavar="JSON", help="What a made-up run is given, as a JSON object.")
@options.map_index
@options.database_url
@options.dags_folder
@options.output
def render(
    dag_id: str,
    task_id: str,
    run: str | None,
    conf: str | None,
    map_index: int,
    database_url: str | None,
    dags_folder: str | None,
    output: str,
) -> None:
    """Show what the templates of a task would become now.

    In the run of that id; otherwise in one that somebody triggers for that logical date, which is now if none
    is given. Reads the Dag file as it is now, and variables and connections as the task would.
    """
    settings = load_settings({"database_url": database_url, "dags_folder": dags_folder})
    dag = authors_dag(settings, DagNotFound(dag_id))
    facts = run_looked_at(settings, dag, run, parse_conf(conf))
    fields = run_on_loop(settings.backend, partial(_render, settings, dag, task_id, facts, map_index))
    if not fields:
        raise UsageError(
            f"task {task_id!r} of Dag {dag_id!r} has no field with a template; nothing to render"
        )
    _print_fields(fields, output)


@click.command()
@click.argument("dag_id")
@click.argument("run_id")
@click.argument("task_id")
@options.map_index
@options.database_url
@options.output
def rendered(
    dag_id: str, run_id: str, task_id: str, map_index: int, database_url: str | None, output: str
) -> None:
    """Show what the templates of a task instance became in its current try."""
    settings = load_settings({"database_url": database_url})
    read = partial(read_rendered_fields, dag_id=dag_id, run_id=run_id, task_id=task_id, map_index=map_index)
    _print_fields(read_database(settings, read).fields, output)


async def _render(
    settings: Settings, dag: DAG, task_id: str, run: RunFacts, map_index: int
) -> dict[str, Any]:
    of_tries = try_settings(settings)
    async with open_sources(settings) as (database, secrets):
        return await render_task(
            dag,
            task_id,
            run=run,
            map_index=map_index,
            database=database,
            secrets=secrets,
            settings=of_tries,
        )


def _print_fields(fields: Mapping[str, Any], output: str) -> None:
    if output == "json":
        print_json(fields)
        return
    for name, value in fields.items():
        click.echo(f"# {name}")
        click.echo(value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False))

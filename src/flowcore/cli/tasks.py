"""`flowcore tasks`: look at tasks and their task instances, clear and mark them."""

from __future__ import annotations

from functools import partial

import attrs
import click

from flowcore.cli import options
from flowcore.cli.asking import read_database
from flowcore.cli.dag_files import known_dag
from flowcore.cli.output import print_rows
from flowcore.cli.tasks_clear import clear
from flowcore.cli.tasks_logs import logs
from flowcore.cli.tasks_render import render, rendered
from flowcore.cli.tasks_set_state import set_state
from flowcore.cli.tasks_test import run_task, test_task
from flowcore.cli.tasks_why import why
from flowcore.database.queries.listing_runs import ListedTaskInstance, list_task_instances
from flowcore.domain.dags import Dag
from flowcore.settings import load_settings


@click.group()
def tasks() -> None:
    """Look at tasks, clear and mark them."""


@tasks.command("list")
@click.argument("dag_id")
@options.database_url
@options.dags_folder
@options.output
def list_tasks(dag_id: str, database_url: str | None, dags_folder: str | None, output: str) -> None:
    """List the tasks of a Dag in order of definition."""
    settings = load_settings({"database_url": database_url, "dags_folder": dags_folder})
    print_rows(task_rows(known_dag(settings, dag_id)), output)


@tasks.command("states-for-dag-run")
@click.argument("dag_id")
@click.argument("run_id")
@options.database_url
@options.output
def states_for_dag_run(dag_id: str, run_id: str, database_url: str | None, output: str) -> None:
    """List the task instances of a run with their states."""
    settings = load_settings({"database_url": database_url})
    unit = partial(list_task_instances, dag_id=dag_id, run_id=run_id)
    found = read_database(settings, unit)
    print_rows([_task_instance_row(dag_id, item, short=output == "table") for item in found], output)


tasks.add_command(logs)
tasks.add_command(render)
tasks.add_command(rendered)
tasks.add_command(clear)
tasks.add_command(set_state)
tasks.add_command(test_task)
tasks.add_command(run_task)
tasks.add_command(why)


def task_rows(dag: Dag) -> list[dict[str, object]]:
    """What is shown of each task."""
    ids = [task.task_id for task in dag.tasks]
    return [
        {
            "task_id": task.task_id,
            "upstream": ", ".join(ids[position] for position in task.upstream),
            "trigger_rule": task.trigger_rule,
            "retries": task.retries,
            "pool": task.pool,
            "operator": task.operator,
        }
        for task in dag.tasks
    ]


def _task_instance_row(dag_id: str, item: ListedTaskInstance, *, short: bool) -> dict[str, object]:
    # Return values may be long; `flowcore run --json` shows them.
    shown = attrs.filters.exclude(attrs.fields(ListedTaskInstance).xcom)
    row = {"dag_id": dag_id, **attrs.asdict(item, filter=shown)}
    if short and item.error:
        # Of a traceback the last line says what happened.
        row["error"] = item.error.strip().splitlines()[-1]
    return row

"""`flowcore dags show`: one Dag, its limits and how its tasks depend on each other."""

from __future__ import annotations

import click

from flowcore.cli import options
from flowcore.cli.dag_files import known_dag
from flowcore.cli.output import print_json, print_rows
from flowcore.cli.tasks import task_rows
from flowcore.domain.dags import Dag
from flowcore.domain.serialization import dump_dag
from flowcore.domain.timetables.registry import load_timetable
from flowcore.settings import load_settings


@click.command()
@click.argument("dag_id")
@options.database_url
@options.dags_folder
@options.output
def show(dag_id: str, database_url: str | None, dags_folder: str | None, output: str) -> None:
    """Show a Dag: its schedule, its limits and how its tasks depend on each other."""
    dag = known_dag(load_settings({"database_url": database_url, "dags_folder": dags_folder}), dag_id)
    if output == "json":
        print_json(dump_dag(dag)["dag"])
        return
    print_rows([{"option": name, "value": value} for name, value in _facts(dag).items()], output)
    click.echo()
    print_rows(task_rows(dag), output)


def _facts(dag: Dag) -> dict[str, object]:
    return {
        "dag_id": dag.dag_id,
        "description": dag.description,
        "schedule": load_timetable(dag.timetable).summary,
        "start_date": dag.start_date,
        "end_date": dag.end_date,
        "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs,
        "max_active_tasks": dag.max_active_tasks,
        "tags": ", ".join(dag.tags),
        "fileloc": dag.fileloc,
    }

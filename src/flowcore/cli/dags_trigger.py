"""`flowcore dags trigger`: queue a run for the schedulers of a database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

import click

from flowcore.cli import options
from flowcore.cli.asking import change_database
from flowcore.cli.conf import parse_conf
from flowcore.cli.dag_files import version_in_folder
from flowcore.cli.moments import parse_moment
from flowcore.cli.output import print_rows
from flowcore.clock import SystemClock
from flowcore.database.queries.register_dags import register_dags
from flowcore.database.queries.triggering import TriggeredRun, trigger_dag_run
from flowcore.errors import DagInactive, DagNotFound
from flowcore.settings import Settings, load_settings


@click.command()
@click.argument("dag_id")
@click.option("-c", "--conf", metavar="JSON", help="What the run is given, as a JSON object.")
@click.option("-r", "--run-id", metavar="ID", help="Name of the run; made up if not given.")
@click.option(
    "-l",
    "--logical-date",
    metavar="TIME",
    type=parse_moment,
    help="ISO 8601, in UTC unless it says otherwise.",
)
@click.option("--run-after", metavar="TIME", type=parse_moment, help="When it may start; now if not given.")
@click.option("--partition-key", metavar="KEY", help="The partition of assets that the run deals with.")
@options.database_url
@options.dags_folder
@options.output
def trigger(
    dag_id: str,
    conf: str | None,
    run_id: str | None,
    logical_date: datetime | None,
    run_after: datetime | None,
    partition_key: str | None,
    database_url: str | None,
    dags_folder: str | None,
    output: str,
) -> None:
    """Queue a run of a Dag; a running scheduler carries it out."""
    settings = load_settings({"database_url": database_url, "dags_folder": dags_folder})
    queue = partial(
        trigger_dag_run,
        dag_id=dag_id,
        conf=parse_conf(conf),
        run_id=run_id,
        logical_date=logical_date,
        run_after=run_after,
        partition_key=partition_key,
        run_id_pattern=settings.allowed_run_id_pattern,
    )
    run = _trigger(settings, queue)
    print_rows([{"dag_id": run.dag_id, "run_id": run.run_id, "state": "queued"}], output)


def _trigger(settings: Settings, queue: Callable[..., TriggeredRun]) -> TriggeredRun:
    """Queue the run; a Dag that no scheduler has seen yet, or whose file is back, is stored from its file."""
    now = SystemClock().now()
    try:
        return change_database(settings, partial(queue, now=now))
    except DagNotFound as absent:
        version = version_in_folder(settings, absent)
    except DagInactive as inactive:
        try:
            version = version_in_folder(settings, DagNotFound(inactive.dag_id))
        except DagNotFound:
            raise inactive from None
    paused = settings.dags_are_paused_at_creation
    change_database(settings, partial(register_dags, versions=[version], now=now, paused_at_creation=paused))
    return change_database(settings, partial(queue, now=now))

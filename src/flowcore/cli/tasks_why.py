"""`flowcore tasks why`: say why a task instance is not running, and how long it has waited for what."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

import attrs
import click

from flowcore.cli import options
from flowcore.cli.asking import read_database
from flowcore.cli.output import print_json
from flowcore.database.queries.situations import read_situation
from flowcore.domain.reasons import Reason, Spent
from flowcore.scheduler.decisions.explain import explain
from flowcore.scheduler.decisions.time_spent import time_spent
from flowcore.settings import load_settings


@click.command()
@click.argument("dag_id")
@click.argument("run_id")
@click.argument("task_id")
@click.option("--map-index", default=-1, show_default=True, help="Which element of a mapped task.")
@options.database_url
@options.output
def why(
    dag_id: str, run_id: str, task_id: str, map_index: int, database_url: str | None, output: str
) -> None:
    """Say why a task instance is not running, and how long it has waited for what."""
    settings = load_settings({"database_url": database_url})
    unit = partial(
        read_situation,
        dag_id=dag_id,
        run_id=run_id,
        task_id=task_id,
        map_index=map_index,
        now=datetime.now(UTC),
    )
    situation = read_database(settings, unit)
    reasons, spent = explain(situation), time_spent(situation)
    if output == "json":
        print_json({"state": situation.state, **_document(reasons, spent)})
        return
    name = task_id if map_index < 0 else f"{task_id}[{map_index}]"
    for reason in reasons:
        click.echo(f"{name}: {reason.sentence}")
    for one in spent:
        click.echo(f"  {_duration(one.seconds):>10}  {one.phase}{'' if one.is_over else ', so far'}")
        for code, seconds in one.by_reason.items():
            click.echo(f"  {_duration(seconds):>12}  {code}")


def _document(reasons: tuple[Reason, ...], spent: tuple[Spent, ...]) -> dict[str, object]:
    return {
        "reasons": [attrs.asdict(reason) for reason in reasons],
        "time_spent": [{**attrs.asdict(one), "phase": one.phase.name.lower()} for one in spent],
    }


def _duration(seconds: float) -> str:
    """Seconds with their fraction while they are few, hours and minutes when they are many."""
    return f"{seconds:.2f} s" if seconds < 60 else str(timedelta(seconds=round(seconds)))

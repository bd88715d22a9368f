"""The outcome of a run as a table for people or as one JSON object for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs
import click

from flowcore.app import Run
from flowcore.cli.output import print_json, print_rows
from flowcore.database.queries.listing_runs import ListedTaskInstance


@attrs.frozen
class Outcome:
    """A run that has ended, with its task instances in Dag order.

    `values` are what these returned, by the JSON texts that the database keeps of them.
    """

    run: Run
    task_instances: Sequence[ListedTaskInstance]
    values: Mapping[str, Any]


def print_outcome(outcome: Outcome, *, as_json: bool) -> None:
    """Print it to standard output; errors of tasks go to standard error, unless `as_json`."""
    if as_json:
        print_json(_document(outcome))
        return
    print_rows([_row(item) for item in outcome.task_instances], "table")
    run = outcome.run
    click.echo(f"\n{run.dag_id} {run.run_id}: {run.state} in {_duration(run.start_date, run.end_date)}")
    for item in outcome.task_instances:
        if item.error:
            click.echo(f"{_name(item)} {item.state}: {item.error.strip()}", err=True)


def _document(outcome: Outcome) -> dict[str, object]:
    run = outcome.run
    return {
        "dag_id": run.dag_id,
        "run_id": run.run_id,
        "state": run.state,
        "start_date": run.start_date,
        "end_date": run.end_date,
        "task_instances": [_task_instance(item, outcome.values) for item in outcome.task_instances],
    }


def _task_instance(item: ListedTaskInstance, values: Mapping[str, Any]) -> dict[str, object]:
    return {**attrs.asdict(item), "xcom": None if item.xcom is None else _as_json(values[item.xcom])}


def _as_json(value: Any) -> Any:
    """The value, or what Python shows of it: an XCom backend may make anything of what it keeps."""
    try:
        json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        return repr(value)
    return value


def _row(item: ListedTaskInstance) -> dict[str, object]:
    return {
        "task": _name(item),
        "try": item.try_number,
        "state": item.state,
        "duration": _duration(item.start_date, item.end_date),
    }


def _name(item: ListedTaskInstance) -> str:
    if item.map_index < 0:
        return item.task_id
    name = f" {item.rendered_map_index}" if item.rendered_map_index else ""
    return f"{item.task_id}[{item.map_index}]{name}"


def _duration(start: datetime | None, end: datetime | None) -> str:
    return "" if start is None or end is None else f"{(end - start).total_seconds():.2f} s"

"""`flowcore tasks logs`: what a try has logged and printed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from flowcore.cli import options
from flowcore.errors import UsageError
from flowcore.runner.logs.paths import task_instance_folder, try_numbers
from flowcore.settings import load_settings


@click.command()
@click.argument("dag_id")
@click.argument("run_id")
@click.argument("task_id")
@click.option("--try", "try_number", type=int, metavar="N", help="Which try; by default the last one.")
@click.option("--map-index", type=int, default=-1, metavar="N", help="Which one of a mapped task.")
@options.logs_folder
@click.option("--json", "as_json", is_flag=True, help="Print each line as the JSON object that it is.")
def logs(
    dag_id: str,
    run_id: str,
    task_id: str,
    try_number: int | None,
    map_index: int,
    logs_folder: str | None,
    as_json: bool,
) -> None:
    """Print what a try has logged and printed, as far as it has come."""
    folder = load_settings({"logs_folder": logs_folder}).logs_folder
    path = _log_of(folder / task_instance_folder(dag_id, run_id, task_id, map_index), try_number)
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            click.echo(line.rstrip("\n") if as_json else _readable(line))


def _log_of(folder: Path, try_number: int | None) -> Path:
    found = try_numbers(folder)
    if not found:
        raise UsageError(
            f"there is no log in {folder}; the task instance has said nothing, or its scheduler has another "
            "logs_folder"
        )
    if try_number is not None and try_number not in found:
        raise UsageError(f"there is no log of try {try_number}, only of {', '.join(map(str, found))}")
    return folder / f"attempt={try_number or found[-1]}.log"


def _readable(line: str) -> str:
    """A line for people: time, level, logger, what happened; lines of a traceback below."""
    try:
        fields: Any = json.loads(line)
        head = f"{fields['timestamp']} {fields['level'].upper()} {fields['logger']}: {fields['event']}"
        return "\n".join(filter(None, [head, fields.get("exception")]))
    # Somebody else may write into a file, and a disk may be full in the middle of a line.
    except (ValueError, LookupError, TypeError, AttributeError):
        return line.rstrip("\n")

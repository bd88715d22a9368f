"""Results on standard output: a table for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

import click
from tabulate import tabulate


def print_rows(rows: Sequence[Mapping[str, object]], output: str) -> None:
    """Print rows that have the same keys; `output` is "table" or "json" (an array of objects)."""
    if output == "json":
        print_json(rows)
    elif rows:
        cells = [{key: _cell(value) for key, value in row.items()} for row in rows]
        # Ids that look like numbers stay as they are.
        click.echo(tabulate(cells, headers="keys", tablefmt="simple", disable_numparse=True))
    else:
        click.echo("nothing found", err=True)


def print_json(document: object) -> None:
    """Print one JSON document; times in ISO 8601 with their offset."""
    text = json.dumps(document, default=_plain, indent=2, ensure_ascii=False)
    # Half a surrogate pair, which no encoding has, is the same escape in JSON.
    click.echo(text.encode("utf-8", "backslashreplace").decode())


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds")
    return "" if value is None else str(value)


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{value!r} has no JSON form")

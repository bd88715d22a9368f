"""Results on standard output: a table for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import click


def print_rows(rows: Sequence[Mapping[str, object]], output: str) -> None:
    """Print rows that have the same keys; `output` is "table" or "json" (an array of objects)."""
    if output == "json":
        print_json(rows)
    elif rows:
        for line in _table(tuple(rows[0]), [[_cell(value) for value in row.values()] for row in rows]):
            click.echo(line)
    else:
        click.echo("nothing found", err=True)


def print_json(document: object) -> None:
    """Print one JSON document; times in ISO 8601 with their offset."""
    text = json.dumps(document, default=_plain, indent=2, ensure_ascii=False)
    # Half a surrogate pair, which no encoding has, is the same escape in JSON.
    click.echo(text.encode("utf-8", "backslashreplace").decode())


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The lines of a table whose columns are as wide as their widest cell."""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    for cells in (heads, ["-" * width for width in widths], *rows):
        padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
        yield "  ".join(padded).rstrip()


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds")
    # A row is a line, so that `grep` finds it whole.
    return "" if value is None else " ".join(str(value).splitlines())


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{value!r} has no JSON form")

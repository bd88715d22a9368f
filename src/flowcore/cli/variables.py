"""`flowcore variables`: look at variables, set, delete, import and export them."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path

import click

from flowcore.cli import options
from flowcore.cli.asking import change_database, read_database
from flowcore.cli.output import print_rows
from flowcore.cli.secrets_lookup import look_up, read_entries, reveal, sealing_of, write_for_owner
from flowcore.database.queries import secrets as queries
from flowcore.domain.sensitive_names import variable_secrets
from flowcore.errors import VariableNotFound
from flowcore.secrets.files import variable_text
from flowcore.secrets.masking import MASK
from flowcore.settings import Settings, load_settings


@click.group()
def variables() -> None:
    """Look at variables and set them."""


@variables.command("list")
@options.database_url
@options.output
@reveal
def list_variables(database_url: str | None, output: str, reveal: bool) -> None:
    """List the variables in the database."""
    settings = load_settings({"database_url": database_url})
    rows = [
        {"key": row.key, "value": _shown(row.key, value, reveal=reveal), "description": row.description}
        for row, value in _stored(settings)
    ]
    print_rows(rows, output)


@variables.command()
@click.argument("key")
@options.database_url
@reveal
def get(key: str, database_url: str | None, reveal: bool) -> None:
    """Print the variable that a task would get."""
    settings = load_settings({"database_url": database_url})
    value = look_up(settings, lambda secrets: secrets.variable(key))
    click.echo(_shown(key, value, reveal=reveal))


@variables.command("set")
@click.argument("key")
@click.argument("value", required=False)
@click.option("--description", help="What it is for.")
@options.database_url
def set_variable(key: str, value: str | None, description: str | None, database_url: str | None) -> None:
    """Write a variable to the database, over what is there.

    Without VALUE it is read from standard input, where other users of the machine cannot see it.
    """
    settings = load_settings({"database_url": database_url})
    text = sys.stdin.read().removesuffix("\n") if value is None else value
    row = sealing_of(settings).seal_variable(key, text, description)
    change_database(settings, partial(queries.put_variables, rows=[row]))
    click.echo(f"{key} is set")


@variables.command()
@click.argument("key")
@options.database_url
def delete(key: str, database_url: str | None) -> None:
    """Delete a variable from the database."""
    settings = load_settings({"database_url": database_url})
    if not change_database(settings, partial(queries.delete_variable, key=key)):
        raise VariableNotFound(key, ("database",))
    click.echo(f"{key} is deleted")


@variables.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@options.database_url
def import_variables(file: Path, database_url: str | None) -> None:
    """Set the variables of a file: .json, .yaml or .env, by key; all of them or none."""
    settings = load_settings({"database_url": database_url})
    sealing = sealing_of(settings)
    entries = read_entries(file)
    rows = [sealing.seal_variable(key, variable_text(key, entry), None) for key, entry in entries.items()]
    change_database(settings, partial(queries.put_variables, rows=rows))
    click.echo(f"{len(rows)} variables are imported")


@variables.command()
@click.argument("file", type=click.Path(path_type=Path))
@options.database_url
def export(file: Path, database_url: str | None) -> None:
    """Write the database's variables, with their secrets, to a new JSON file that only you can read."""
    stored = _stored(load_settings({"database_url": database_url}))
    write_for_owner(file, json.dumps({row.key: value for row, value in stored}, indent=2))
    click.echo(f"{len(stored)} variables are exported to {file}")


def _stored(settings: Settings) -> list[tuple[queries.VariableRow, str]]:
    sealing = sealing_of(settings)
    return [(row, sealing.open_variable(row)) for row in read_database(settings, queries.list_variables)]


def _shown(key: str, value: str, *, reveal: bool) -> str:
    if reveal:
        return value
    for secret in sorted(variable_secrets(key, value), key=len, reverse=True):
        value = value.replace(secret, MASK) if secret else value
    return value

"""`flowcore connections`: look at connections, add, delete, import, export and test them."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path

import click

from flowcore.cli import options
from flowcore.cli.asking import change_database, read_database
from flowcore.cli.event_loop import run_on_loop
from flowcore.cli.output import print_json, print_rows
from flowcore.cli.secrets_lookup import (
    look_up,
    read_entries,
    reveal,
    sealing_of,
    shown_connection,
    write_for_owner,
)
from flowcore.database.queries import secrets as queries
from flowcore.domain.connections import Connection, parse_connection
from flowcore.errors import ConnectionNotFound, FlowcoreError, UsageError
from flowcore.sdk.reaching import areach, place_of
from flowcore.secrets.files import connection_text
from flowcore.settings import Settings, load_settings


class HostUnreachable(FlowcoreError):
    """Nobody accepts TCP connections where a connection leads to."""


@click.group()
def connections() -> None:
    """Look at connections, add and test them."""


@connections.command("list")
@options.database_url
@options.output
@reveal
def list_connections(database_url: str | None, output: str, reveal: bool) -> None:
    """List the connections in the database."""
    settings = load_settings({"database_url": database_url})
    print_rows([shown_connection(found, reveal=reveal) for found in _stored(settings)], output)


@connections.command()
@click.argument("conn_id")
@options.database_url
@reveal
def get(conn_id: str, database_url: str | None, reveal: bool) -> None:
    """Show the connection that a task would get, as JSON."""
    settings = load_settings({"database_url": database_url})
    found = look_up(settings, lambda secrets: secrets.connection(conn_id))
    print_json(shown_connection(found, reveal=reveal))


@connections.command()
@click.argument("conn_id")
@click.option("--conn-uri", metavar="URI", help="The connection; other users of the machine may see it.")
@click.option("--conn-json", metavar="JSON", help="The same as an object.")
@click.option("--overwrite", is_flag=True, help="Replace a connection of that id.")
@options.database_url
def add(
    conn_id: str, conn_uri: str | None, conn_json: str | None, overwrite: bool, database_url: str | None
) -> None:
    """Add a connection to the database.

    It is read from standard input, as a URI or a JSON object, if no option has it.
    """
    settings = load_settings({"database_url": database_url})
    text = conn_uri or conn_json or sys.stdin.read()
    _store(settings, [parse_connection(conn_id, text)], overwrite=overwrite)
    click.echo(f"{conn_id} is added")


@connections.command()
@click.argument("conn_id")
@options.database_url
def delete(conn_id: str, database_url: str | None) -> None:
    """Delete a connection from the database."""
    settings = load_settings({"database_url": database_url})
    if not change_database(settings, partial(queries.delete_connection, conn_id=conn_id)):
        raise ConnectionNotFound(conn_id, ("database",))
    click.echo(f"{conn_id} is deleted")


@connections.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--overwrite", is_flag=True, help="Replace connections of the same ids.")
@options.database_url
def import_connections(file: Path, overwrite: bool, database_url: str | None) -> None:
    """Add the connections of a file: .json, .yaml or .env, by id; all of them or none."""
    settings = load_settings({"database_url": database_url})
    found = [
        parse_connection(name, connection_text(name, entry)) for name, entry in read_entries(file).items()
    ]
    _store(settings, found, overwrite=overwrite)
    click.echo(f"{len(found)} connections are imported")


@connections.command()
@click.argument("file", type=click.Path(path_type=Path))
@options.database_url
def export(file: Path, database_url: str | None) -> None:
    """Write the database's connections, with their secrets, to a new JSON file that only you can read."""
    stored = _stored(load_settings({"database_url": database_url}))
    document = {found.conn_id: found.to_document() for found in stored}
    write_for_owner(file, json.dumps(document, indent=2))
    click.echo(f"{len(stored)} connections are exported to {file}")


@connections.command()
@click.argument("conn_id")
@options.database_url
def test(conn_id: str, database_url: str | None) -> None:
    """Say whether a task would find the connection, and whether its host answers there."""
    settings = load_settings({"database_url": database_url})
    found = look_up(settings, lambda secrets: secrets.connection(conn_id))
    answers, reason = run_on_loop(settings.backend, partial(areach, found))
    if not answers and place_of(found):
        raise HostUnreachable(reason)
    click.echo(f"{conn_id} is a connection of type {found.conn_type}; {reason}")


def _stored(settings: Settings) -> list[Connection]:
    sealing = sealing_of(settings)
    return [sealing.open_connection(row) for row in read_database(settings, queries.list_connections)]


def _store(settings: Settings, found: list[Connection], *, overwrite: bool) -> None:
    sealing = sealing_of(settings)
    rows = [sealing.seal_connection(connection) for connection in found]
    taken = change_database(settings, partial(queries.add_connections, rows=rows, overwrite=overwrite))
    if taken:
        raise UsageError(f"there is a connection {taken[0]!r} already; say --overwrite to replace it")

"""What commands about secrets share: looking up as a task would, opening sealed rows, hiding values."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click

from flowcore.app.secrets import SecretsOptions, serve_secrets
from flowcore.cli.asking import read_database
from flowcore.cli.event_loop import run_on_loop
from flowcore.concurrency.single_error import single_error
from flowcore.database import schema
from flowcore.database.engine import open_database
from flowcore.database.sealing import Sealing
from flowcore.domain.connections import Connection
from flowcore.domain.sensitive_names import is_sensitive
from flowcore.errors import UsageError
from flowcore.secrets.encryption import Encryption
from flowcore.secrets.file_formats import parse_entries
from flowcore.secrets.masking import MASK
from flowcore.secrets.service import Secrets
from flowcore.settings import Settings

T = TypeVar("T")

reveal = click.option("--reveal", is_flag=True, help="Show secrets.")


def look_up(settings: Settings, question: Callable[[Secrets], Awaitable[T]]) -> T:
    """Ask the backends as a task would: the configured one, the environment, the database.

    Raises:
        DatabaseOutOfDate: the database lacks the schema.
    """
    read_database(settings, schema.require_current)
    return run_on_loop(settings.backend, partial(_look_up, settings, question))


def sealing_of(settings: Settings) -> Sealing:
    """Make what opens the rows of the settings' database."""
    return Sealing(Encryption.from_setting(settings.fernet_key))


def hide(value: Any, *, name: str = "") -> Any:
    """The JSON value with `***` in place of what is called like a secret."""
    if is_sensitive(name) and value not in (None, ""):
        return MASK
    if isinstance(value, dict):
        return {key: hide(inner, name=str(key)) for key, inner in value.items()}
    return [hide(inner) for inner in value] if isinstance(value, list) else value


def shown_connection(connection: Connection, *, reveal: bool) -> dict[str, Any]:
    """Tell a connection with all its keys, without secrets unless they are asked for."""
    document = connection.to_document()
    keys = ("conn_type", "host", "port", "schema", "login", "password", "extra", "description")
    fields = {key: document.get(key) for key in keys}
    return {"conn_id": connection.conn_id, **(fields if reveal else hide(fields))}


def read_entries(path: Path) -> dict[str, Any]:
    """Read the entries of a file by name.

    Raises:
        UsageError: the file cannot be read.
    """
    try:
        return dict(parse_entries(path, path.read_text("utf-8")))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be imported: {error}") from None


def write_for_owner(path: Path, text: str) -> None:
    """Write a file that only its owner can read.

    Raises:
        UsageError: it cannot be written, or is there already.
    """
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise UsageError(f"{path} cannot be written ({error.strerror}); name another file") from None
    with os.fdopen(number, "w", encoding="utf-8") as file:
        file.write(text)


async def _look_up(settings: Settings, question: Callable[[Secrets], Awaitable[T]]) -> T:
    options = SecretsOptions.of(settings)
    with single_error():
        async with (
            open_database(settings.database_url) as database,
            serve_secrets(database, options) as secrets,
        ):
            return await question(secrets)

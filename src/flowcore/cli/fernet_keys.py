"""`flowcore rotate-fernet-key`: encrypt the database's secrets with a new key."""

from __future__ import annotations

from functools import partial

import click

from flowcore.cli import options
from flowcore.cli.asking import change_database
from flowcore.cli.secrets_lookup import sealing_of
from flowcore.database.queries.secrets import rewrite_secrets
from flowcore.errors import SettingsError
from flowcore.settings import load_settings


@click.command("rotate-fernet-key")
@options.database_url
def rotate_fernet_key(database_url: str | None) -> None:
    """Encrypt secrets with a new key.

    Connections and variables are encrypted anew, with the first key in FLOWCORE_FERNET_KEY. The key that
    they are encrypted with must be among the others. Nothing changes if any cannot be read.
    """
    settings = load_settings({"database_url": database_url})
    sealing = sealing_of(settings)
    if not sealing.encryption.has_keys:
        raise SettingsError(
            "there is no key to rotate to; set FLOWCORE_FERNET_KEY to the new key,the old key"
        )
    unit = partial(
        rewrite_secrets,
        rewrite_connection=sealing.reseal_connection,
        rewrite_variable=sealing.reseal_variable,
    )
    click.echo(f"{change_database(settings, unit)} connections and variables are encrypted with the new key")

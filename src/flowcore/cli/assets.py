"""`flowcore assets`: look at assets."""

from __future__ import annotations

from functools import partial

import attrs
import click

from flowcore.cli import options
from flowcore.cli.asking import read_database
from flowcore.cli.output import print_rows
from flowcore.database.queries.listing_assets import list_assets
from flowcore.settings import load_settings


@click.group()
def assets() -> None:
    """Look at assets, and say that they were updated."""


@assets.command("list")
@click.option("--all", "with_inactive", is_flag=True, help="Also those that no Dag names any more.")
@options.database_url
@options.output
def list_command(with_inactive: bool, database_url: str | None, output: str) -> None:
    """List assets, and when they were updated last."""
    settings = load_settings({"database_url": database_url})
    found = read_database(settings, partial(list_assets, with_inactive=with_inactive))
    print_rows([attrs.asdict(one, filter=attrs.filters.exclude("id")) for one in found], output)

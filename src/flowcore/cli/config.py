"""`flowcore config`: look at the settings."""

from __future__ import annotations

import click

from flowcore.cli import options
from flowcore.cli.output import print_rows
from flowcore.settings import explain_settings


@click.group()
def config() -> None:
    """Look at the settings."""


@config.command("list")
@options.output
def list_settings(output: str) -> None:
    """List every option with its value and where that comes from; passwords are hidden."""
    rows = [
        {"option": given.name, "value": given.shown, "source": given.source} for given in explain_settings()
    ]
    print_rows(rows, output)

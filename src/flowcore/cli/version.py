"""`flowcore version`."""

from __future__ import annotations

import click

from flowcore import __version__


@click.command()
def version() -> None:
    """Print the version."""
    click.echo(__version__)

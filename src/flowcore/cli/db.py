"""`flowcore db`: create, check, migrate, clean and reset the database."""

from __future__ import annotations

from functools import partial

import click

from flowcore.cli import options
from flowcore.cli.asking import read_database, set_up_database
from flowcore.cli.db_clean import clean_db
from flowcore.database import schema
from flowcore.database.migrations import migrate as migrate_schema
from flowcore.settings import Settings, load_settings, masked


@click.group()
def db() -> None:
    """Create, check, migrate, clean and reset the database."""


@db.command()
@options.database_url
def migrate(database_url: str | None) -> None:
    """Create the schema, or bring it up to date."""
    settings = load_settings({"database_url": database_url})
    unit = partial(migrate_schema, default_pool_slots=settings.default_pool_task_slot_count)
    set_up_database(settings, unit)
    _print_status(settings)


@db.command()
@options.database_url
def check(database_url: str | None) -> None:
    """Say whether the database answers and has the schema that this version needs."""
    _print_status(load_settings({"database_url": database_url}))


@db.command()
@options.database_url
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def reset(database_url: str | None, yes: bool) -> None:
    """Delete all Dags, runs and XComs, and begin anew."""
    settings = load_settings({"database_url": database_url})
    if not yes:
        click.confirm(f"Delete everything in {masked(settings.database_url)}?", abort=True, err=True)
    set_up_database(settings, partial(schema.reset, default_pool_slots=settings.default_pool_task_slot_count))
    _print_status(settings)


db.add_command(clean_db)


def _print_status(settings: Settings) -> None:
    click.echo(f"{masked(settings.database_url)}: {read_database(settings, schema.check)}")

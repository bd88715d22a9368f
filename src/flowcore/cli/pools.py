"""`flowcore pools`: look at pools, set, delete, import and export them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import click

from flowcore.cli import options
from flowcore.cli.asking import change_database, read_database
from flowcore.cli.output import print_rows
from flowcore.database.queries import pools as queries
from flowcore.domain.pools import Pool
from flowcore.errors import PoolNotFound, UsageError
from flowcore.settings import load_settings


@click.group()
def pools() -> None:
    """Look at pools and set their slots."""


@pools.command("list")
@options.database_url
@options.output
def list_pools(database_url: str | None, output: str) -> None:
    """List the pools, with the slots in use and how many task instances wait for some."""
    settings = load_settings({"database_url": database_url})
    print_rows([_shown(usage) for usage in read_database(settings, queries.list_pools)], output)


@pools.command()
@click.argument("name")
@options.database_url
@options.output
def get(name: str, database_url: str | None, output: str) -> None:
    """Show one pool."""
    settings = load_settings({"database_url": database_url})
    usages = read_database(settings, queries.list_pools)
    rows = [_shown(usage) for usage in usages if usage.pool.name == name]
    if not rows:
        raise PoolNotFound(name, [usage.pool.name for usage in usages])
    print_rows(rows, output)


@pools.command("set")
@click.argument("name")
@click.argument("slots", type=int)
@click.argument("description", required=False)
@click.option("--include-deferred", is_flag=True, help="Deferred task instances keep their slots.")
@options.database_url
def set_pool(
    name: str, slots: int, description: str | None, include_deferred: bool, database_url: str | None
) -> None:
    """Create a pool, or change it; schedulers know at once.

    SLOTS is -1 for no limit. After `--` a negative number is no option: pools set -- NAME -1
    """
    settings = load_settings({"database_url": database_url})
    pool = Pool(name, slots, description, include_deferred)
    change_database(settings, partial(queries.put_pools, pools=[pool]))
    click.echo(f"{name} has {'no limit' if slots < 0 else f'{slots} slots'}")


@pools.command()
@click.argument("name")
@options.database_url
def delete(name: str, database_url: str | None) -> None:
    """Delete a pool that no task instance is in."""
    settings = load_settings({"database_url": database_url})
    if change_database(settings, partial(queries.delete_pool, name=name)) is None:
        raise PoolNotFound(name, [usage.pool.name for usage in read_database(settings, queries.list_pools)])
    click.echo(f"{name} is deleted")


@pools.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@options.database_url
def import_pools(file: Path, database_url: str | None) -> None:
    """Set the pools of a JSON file that `export` wrote, here or in Airflow; all of them or none."""
    settings = load_settings({"database_url": database_url})
    pools = [Pool.of_document(name, document) for name, document in _read(file).items()]
    change_database(settings, partial(queries.put_pools, pools=pools))
    click.echo(f"{len(pools)} pools are imported")


@pools.command()
@click.argument("file", type=click.Path(path_type=Path))
@options.database_url
def export(file: Path, database_url: str | None) -> None:
    """Write all pools to a JSON file."""
    settings = load_settings({"database_url": database_url})
    pools = [usage.pool for usage in read_database(settings, queries.list_pools)]
    text = json.dumps({pool.name: pool.to_document() for pool in pools}, indent=2)
    try:
        file.write_text(f"{text}\n", "utf-8")
    except OSError as error:
        raise UsageError(f"{file} cannot be written ({error.strerror}); name another file") from None
    click.echo(f"{len(pools)} pools are exported to {file}")


def _read(file: Path) -> Mapping[str, object]:
    try:
        document = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{file} cannot be imported: {error}") from None
    if not isinstance(document, dict):
        raise UsageError(f'{file} is no JSON object of pools by name; write it as {{"name": {{"slots": 5}}}}')
    return document


def _shown(usage: queries.PoolUsage) -> dict[str, object]:
    return {
        "pool": usage.pool.name,
        "slots": usage.pool.slots,
        "used": usage.used,
        "waiting": usage.waiting,
        "include_deferred": usage.pool.include_deferred,
        "description": usage.pool.description,
    }

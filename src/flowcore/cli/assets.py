"""`flowcore assets`: look at assets, and say that they were updated."""

from __future__ import annotations

from functools import partial

import attrs
import click

from flowcore.cli import options
from flowcore.cli.asking import change_database, read_database
from flowcore.cli.conf import parse_conf
from flowcore.cli.failures import FAILED
from flowcore.cli.output import print_rows
from flowcore.clock import SystemClock
from flowcore.database.queries.checking_assets import asset_complaints
from flowcore.database.queries.external_asset_events import find_asset, record_external_event
from flowcore.database.queries.listing_assets import list_assets
from flowcore.database.queries.seen_asset_events import newest_asset_events
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


@assets.command()
@click.option("--name", metavar="NAME", help="How it is called.")
@click.option("--uri", metavar="URI", help="Where it is; one of the two is enough.")
@click.option("--limit", metavar="N", type=click.IntRange(min=1), default=20, show_default=True)
@options.database_url
@options.output
def events(name: str | None, uri: str | None, limit: int, database_url: str | None, output: str) -> None:
    """List the newest events of an asset, the oldest of them first."""
    settings = load_settings({"database_url": database_url})
    asset = read_database(settings, partial(find_asset, name=name, uri=uri))
    unit = partial(newest_asset_events, limit=limit, name=asset.name, uri=asset.uri)
    shown = attrs.filters.exclude("asset", "id")
    print_rows([attrs.asdict(one, filter=shown) for one in read_database(settings, unit)], output)


@assets.command()
@click.option("--name", metavar="NAME", help="How it is called.")
@click.option("--uri", metavar="URI", help="Where it is; one of the two is enough.")
@click.option("--extra", metavar="JSON", help="What is to be said about it, as a JSON object.")
@click.option("--partition-key", metavar="KEY", help="Which partition of it; all if not given.")
@options.database_url
def update(
    name: str | None, uri: str | None, extra: str | None, partition_key: str | None, database_url: str | None
) -> None:
    """Say that an asset was updated from outside; Dags that wait for it run."""
    settings = load_settings({"database_url": database_url})
    unit = partial(
        record_external_event,
        name=name,
        uri=uri,
        extra=parse_conf(extra, option="--extra"),
        partition_key=partition_key,
        now=SystemClock().now(),
    )
    click.echo(f"event {change_database(settings, unit)} of asset {name or uri} is written")


@assets.command()
@options.database_url
@click.pass_context
def check(ctx: click.Context, database_url: str | None) -> None:
    """Say what is wrong with the assets of all Dags together; exit status 1 if anything is."""
    settings = load_settings({"database_url": database_url})
    complaints = read_database(settings, asset_complaints)
    for complaint in complaints:
        click.echo(complaint)
    if not complaints:
        click.echo("no cycles, and no asset is spelled in two ways")
    ctx.exit(FAILED if complaints else 0)

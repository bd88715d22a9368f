"""What commands about a single task share: the run that it is looked at in, and where values come from."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from flowcore.app.rendering import made_up_run
from flowcore.app.secrets import SecretsOptions, serve_secrets
from flowcore.cli.asking import read_database
from flowcore.cli.moments import parse_moment
from flowcore.clock import SystemClock
from flowcore.concurrency.single_error import single_error
from flowcore.database import schema
from flowcore.database.engine import Database, open_database
from flowcore.database.queries.run_views import find_run
from flowcore.database.run_facts import read_run_facts
from flowcore.domain.workloads import RunFacts
from flowcore.sdk.dags import DAG
from flowcore.secrets.service import Secrets
from flowcore.settings import Settings


def run_looked_at(settings: Settings, dag: DAG, run: str | None, conf: Mapping[str, Any]) -> RunFacts:
    """The run of that id; otherwise one that is made up for that logical date, by default the present."""
    found = run and read_database(settings, partial(find_run, dag_id=dag.dag_id, run_id=run))
    if found:
        return read_database(settings, partial(read_run_facts, dag_run_ids=[found.id]))[found.id]
    now = SystemClock().now()
    return made_up_run(dag, logical_date=parse_moment(run) if run else now, conf=conf, now=now)


@asynccontextmanager
async def open_sources(settings: Settings) -> AsyncIterator[tuple[Database, Secrets]]:
    """The database, which must have the schema, and the lookup of connections and variables."""
    options = SecretsOptions.of(settings)
    with single_error():
        async with (
            open_database(settings.database_url) as database,
            serve_secrets(database, options) as secrets,
        ):
            await database.read(schema.require_current)
            yield database, secrets

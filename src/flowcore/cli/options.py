"""Options that several commands share. Unset ones are None: the settings then decide."""

from __future__ import annotations

import click

from flowcore.settings import ExecutorName

database_url = click.option(
    "--database-url", metavar="URL", help="PostgreSQL or SQLite database.  [env: FLOWCORE_DATABASE_URL]"
)
dags_folder = click.option(
    "--dags-folder", metavar="FOLDER", help="Folder with Dag files.  [env: FLOWCORE_DAGS_FOLDER]"
)
logs_folder = click.option(
    "--logs-folder", metavar="FOLDER", help="Folder with the logs of tries.  [env: FLOWCORE_LOGS_FOLDER]"
)
executor = click.option(
    "--executor",
    type=click.Choice([name.value for name in ExecutorName]),
    help="Where tries run: in processes of their own, or in this one.  [env: FLOWCORE_EXECUTOR]",
)
backend = click.option(
    "--backend", type=click.Choice(["asyncio", "trio"]), help="Event loop.  [env: FLOWCORE_BACKEND]"
)
output = click.option(
    "-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True, help="Format."
)
grace = click.option(
    "--grace",
    metavar="SECONDS",
    type=float,
    help="How long running tries may take to end when told to stop.  [env: FLOWCORE_GRACE_S]",
)
map_index = click.option(
    "--map-index", metavar="N", type=int, default=-1, help="Which instance of a mapped task, from 0."
)

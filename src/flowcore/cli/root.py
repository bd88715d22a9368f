"""The root command: which commands there are, and what becomes of errors."""

from __future__ import annotations

import signal

import click

from flowcore.cli.failures import Interrupted, report_failure
from flowcore.cli.lazy_group import LazyGroup
from flowcore.errors import FlowcoreError

COMMANDS = {
    "run": ("flowcore.cli.run:run", "Run one Dag of a file to its end."),
    "scheduler": ("flowcore.cli.scheduler:scheduler", "Run the Dags of a folder, now and when they are due."),
    "dag-processor": ("flowcore.cli.dag_processor:dag_processor", "Read the Dag files of a folder."),
    "standalone": ("flowcore.cli.standalone:standalone", "Set up everything and run it in one process."),
    "dags": ("flowcore.cli.dags:dags", "List, trigger, pause and look at Dags."),
    "tasks": ("flowcore.cli.tasks:tasks", "Look at tasks, clear and mark them."),
    "backfill": ("flowcore.cli.backfill:backfill", "Make up for runs between two dates."),
    "assets": ("flowcore.cli.assets:assets", "Look at assets, and say that they were updated."),
    "connections": (
        "flowcore.cli.connections:connections",
        "Look at connections, add and test them.",
    ),
    "variables": ("flowcore.cli.variables:variables", "Look at variables and set them."),
    "pools": ("flowcore.cli.pools:pools", "Look at pools and set their slots."),
    "plugins": ("flowcore.cli.plugins:plugins", "List what plug-ins bring, and what is wrong with them."),
    "rotate-fernet-key": ("flowcore.cli.fernet_keys:rotate_fernet_key", "Encrypt secrets with a new key."),
    "db": ("flowcore.cli.db:db", "Create, check, migrate, clean and reset the database."),
    "config": ("flowcore.cli.config:config", "Look at the settings."),
    "version": ("flowcore.cli.version:version", "Print the version."),
}


class RootGroup(LazyGroup):
    """Turns errors that flowcore raises on purpose into one line and an exit status."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except (FlowcoreError, ExceptionGroup) as error:
            if ctx.params["traceback"]:
                raise
            ctx.exit(report_failure(error))
        except KeyboardInterrupt:
            ctx.exit(report_failure(Interrupted(signal.SIGINT)))


@click.command(cls=RootGroup, lazy_commands=COMMANDS)
@click.option("--traceback", is_flag=True, help="Show where an error comes from.")
def root(traceback: bool) -> None:
    """Airflow's Dag files on an async, event-driven scheduler."""

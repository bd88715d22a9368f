"""How a database made by an older flowcore gets the schema of this one: Alembic, inside a unit of work.

The scripts in `versions/` are numbered. Each has an `upgrade(op)`, which is handed Alembic's operations
instead of importing `alembic.op`: that name is global, and two databases may be migrated at a time.
No `env.py`, no `alembic.ini`, and logging stays as it is.
"""

from __future__ import annotations

import logging
from importlib import resources

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory

from flowcore.database import schema
from flowcore.errors import DatabaseOutOfDate

_log = logging.getLogger(__name__)


def migrate(connection: sa.Connection, *, default_pool_slots: int = schema.DEFAULT_POOL_SLOTS) -> None:
    """Bring the schema up to date, from whatever version or from nothing; a unit of work.

    Processes that migrate at the same time wait for each other.

    Raises:
        DatabaseOutOfDate: the tables are not ours, or a newer flowcore's; they were left alone.
    """
    schema.wait_for_others(connection)
    status = schema.check(connection)
    if status.state in (schema.SchemaState.FOREIGN, schema.SchemaState.AHEAD):
        raise DatabaseOutOfDate(str(status))
    with resources.as_file(resources.files(__name__)) as folder:
        _upgrade(connection, ScriptDirectory(str(folder)), since=status.revision or "base")
    schema.create_default_pool(connection, slots=default_pool_slots)


def _upgrade(connection: sa.Connection, scripts: ScriptDirectory, *, since: str) -> None:
    context = MigrationContext.configure(connection, opts={"version_table": schema.VERSION_TABLE})
    operations = Operations(context)
    for script in reversed(list(scripts.iterate_revisions("head", since))):
        _log.info("migrating to schema %s: %s", script.revision, script.doc)
        script.module.upgrade(operations)
        context.stamp(scripts, script.revision)

"""What the database knows of a Dag folder, and what changes in it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime

import attrs
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from flowcore.database.queries.claims import names
from flowcore.database.queries.register_dags import register_dags
from flowcore.database.rows import dump_rows, rows_of
from flowcore.database.tables import dag, dag_version, import_error
from flowcore.database.types import UtcDateTime
from flowcore.domain.dag_files import FolderChanges, KnownFolder, NewVersion

_makes = rows_of("makes", fileloc=sa.Text, dag_id=sa.Text)
_RETIRE = (
    dag.update()
    .values(is_active=sa.false())
    .where(
        dag.c.fileloc.in_(names("files")),
        dag.c.is_active.is_(sa.true()),
        ~sa.exists().where(_makes.c.fileloc == dag.c.fileloc, _makes.c.dag_id == dag.c.dag_id),
    )
    .returning(dag.c.dag_id)
)
_FORGET = import_error.delete().where(import_error.c.fileloc.in_(names("files")))
_failures = rows_of("failures", fileloc=sa.Text, message=sa.Text, detail=sa.Text, seen_at=UtcDateTime)
_NOTE = {
    dialect: (
        note := insert(import_error).from_select(_failures.c.keys(), sa.select(_failures).where(sa.true()))
    ).on_conflict_do_update(
        index_elements=["fileloc"],
        set_={name: note.excluded[name] for name in ("message", "detail", "seen_at")},
    )
    for dialect, insert in (("postgresql", postgresql_insert), ("sqlite", sqlite_insert))
}
_BELOW = sa.bindparam("folder", type_=sa.Text)
_DAGS = (
    sa.select(dag.c.dag_id, dag.c.fileloc, dag.c.is_active)
    .join(dag_version, dag_version.c.id == dag.c.latest_version_id)
    .where(
        dag_version.c.source_digest.is_not(None),
        sa.func.substr(dag.c.fileloc, 1, sa.func.length(_BELOW)) == _BELOW,
    )
)
_FAILED = sa.select(import_error.c.fileloc).where(
    sa.func.substr(import_error.c.fileloc, 1, sa.func.length(_BELOW)) == _BELOW
)


def known_folder(connection: sa.Connection, folder: str) -> KnownFolder:
    """What was stored of a folder, given by its absolute path."""
    below = {"folder": os.path.join(folder, "")}
    dags = connection.execute(_DAGS, below).all()
    return KnownFolder(
        {row.dag_id: row.fileloc for row in dags},
        frozenset(row.dag_id for row in dags if row.is_active),
        frozenset(connection.scalars(_FAILED, below)),
    )


@attrs.frozen
class StoredChanges:
    """The Dags that were retired, and the versions of those that another process has in hand."""

    retired: frozenset[str]
    left: Sequence[NewVersion] = ()


def store_folder_changes(
    connection: sa.Connection, changes: FolderChanges, *, now: datetime, paused_at_creation: bool
) -> StoredChanges:
    """Store Dags, retire those that no file makes any more, and keep why files failed.

    What is left has to be stored by itself.

    Raises:
        DagError: the database cannot keep something of one of the Dags.
    """
    ids = register_dags(
        connection, changes.versions, now=now, paused_at_creation=paused_at_creation, patiently=False
    )
    if changes.makes:
        files = dump_rows((fileloc,) for fileloc in sorted(changes.makes))
        made = dump_rows((file, dag_id) for file, dag_ids in changes.makes.items() for dag_id in dag_ids)
        retired = connection.scalars(_RETIRE, {"files": files, "makes": made}).all()
        connection.execute(_FORGET, {"files": files})
    else:
        retired = []
    if changes.failures:
        failures = sorted(changes.failures, key=lambda failure: failure.fileloc)
        rows = [(failure.fileloc, failure.message, failure.detail, now) for failure in failures]
        connection.execute(_NOTE[connection.dialect.name], {"failures": dump_rows(rows)})
    left = [version for version in changes.versions if version.dag.dag_id not in ids]
    return StoredChanges(frozenset(retired), left)

"""Find or insert versions of Dags, with their sources; the rows of the Dags must be locked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from flowcore.database.queries.claims import names
from flowcore.database.rows import dump_rows, rows_of
from flowcore.database.tables import dag, dag_source, dag_version
from flowcore.database.types import Json, UtcDateTime
from flowcore.domain.dag_files import NewVersion

Row = sa.Row[*tuple[Any, ...]]

_sources = rows_of("sources", digest=sa.Text, text=sa.Text)
_INSERT_SOURCES = {
    dialect: insert(dag_source)
    .on_conflict_do_nothing()
    .from_select(_sources.c.keys(), sa.select(_sources).where(sa.true()).order_by(_sources.c.digest))
    for dialect, insert in (("postgresql", postgresql_insert), ("sqlite", sqlite_insert))
}
_wanted = rows_of("wanted", dag_id=sa.Text, content_hash=sa.Text)
_FIND = sa.select(dag_version.c.id, dag_version.c.dag_id, dag_version.c.source_digest).join(
    _wanted,
    sa.and_(dag_version.c.dag_id == _wanted.c.dag_id, dag_version.c.content_hash == _wanted.c.content_hash),
)
_NEWEST_AS_WANTED = (
    sa.select(dag_version.c.id, dag_version.c.dag_id, dag_version.c.source_digest, dag.c.fileloc)
    .join(
        _wanted,
        sa.and_(
            dag_version.c.dag_id == _wanted.c.dag_id, dag_version.c.content_hash == _wanted.c.content_hash
        ),
    )
    .join(dag, dag.c.latest_version_id == dag_version.c.id)
    .where(dag.c.is_active.is_(sa.true()))
)
_NEWEST = (
    sa.select(dag_version.c.dag_id, sa.func.max(dag_version.c.version_number).label("number"))
    .where(dag_version.c.dag_id.in_(names("dags")))
    .group_by(dag_version.c.dag_id)
)
_versions = rows_of(
    "versions",
    dag_id=sa.Text,
    version_number=sa.Integer,
    content_hash=sa.Text,
    document=Json,
    created_at=UtcDateTime,
    path=sa.Text,
    source_digest=sa.Text,
)
_INSERT = (
    dag_version.insert()
    .from_select(_versions.c.keys(), sa.select(_versions), include_defaults=False)
    .returning(dag_version.c.id, dag_version.c.dag_id)
)
_edited = rows_of("edited", id=sa.BigInteger, source_digest=sa.Text)
_EDIT = (
    dag_version.update().values(source_digest=_edited.c.source_digest).where(dag_version.c.id == _edited.c.id)
)


def known_as_they_are(connection: sa.Connection, versions: Sequence[NewVersion]) -> Mapping[str, int]:
    """Of those that are the newest versions of active Dags already: the ids by Dag. Locks nothing."""
    wanted = dump_rows((version.dag.dag_id, version.content_hash) for version in versions)
    of = {version.dag.dag_id: version for version in versions}
    return {
        row.dag_id: row.id
        for row in connection.execute(_NEWEST_AS_WANTED, {"wanted": wanted})
        if row.fileloc == of[row.dag_id].dag.fileloc
        and row.source_digest == ((source := of[row.dag_id].source) and source.digest)
    }


def insert_dag_versions(
    connection: sa.Connection, versions: Sequence[NewVersion], *, now: datetime
) -> Mapping[str, int]:
    """The ids of the versions by Dag; each Dag is given once."""
    _insert_sources(connection, versions)
    wanted = dump_rows((version.dag.dag_id, version.content_hash) for version in versions)
    found = connection.execute(_FIND, {"wanted": wanted}).all()
    ids = {row.dag_id: row.id for row in found}
    _replace_texts(connection, versions, found)
    return ids | _insert(connection, [v for v in versions if v.dag.dag_id not in ids], now)


def _insert_sources(connection: sa.Connection, versions: Sequence[NewVersion]) -> None:
    texts = {v.source.digest: v.source.text for v in versions if v.source}
    if texts:
        connection.execute(_INSERT_SOURCES[connection.dialect.name], {"sources": dump_rows(texts.items())})


def _replace_texts(connection: sa.Connection, versions: Sequence[NewVersion], found: Sequence[Row]) -> None:
    # The code is the same, the comments may not be: tracebacks shall show the lines that the author sees.
    digests = {v.dag.dag_id: v.source.digest for v in versions if v.source}
    edited = [
        (row.id, digests[row.dag_id])
        for row in found
        if row.dag_id in digests and row.source_digest != digests[row.dag_id]
    ]
    if edited:
        connection.execute(_EDIT, {"edited": dump_rows(edited)})


def _insert(connection: sa.Connection, versions: Sequence[NewVersion], now: datetime) -> dict[str, int]:
    if not versions:
        return {}
    dag_ids = dump_rows((version.dag.dag_id,) for version in versions)
    newest = {row.dag_id: row.number for row in connection.execute(_NEWEST, {"dags": dag_ids})}
    rows = dump_rows(
        (
            version.dag.dag_id,
            newest.get(version.dag.dag_id, 0) + 1,
            version.content_hash,
            version.document,
            now,
            version.source and version.source.place,
            version.source and version.source.digest,
        )
        for version in versions
    )
    return {row.dag_id: row.id for row in connection.execute(_INSERT, {"versions": rows})}

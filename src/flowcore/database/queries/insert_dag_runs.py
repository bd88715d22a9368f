"""Insert queued Dag runs; a run that exists already (same run id or logical date) is left as it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import attrs
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from flowcore.database.rows import dump_rows, rows_of
from flowcore.database.tables import dag_run
from flowcore.database.types import Json, UtcDateTime
from flowcore.domain.partitions.base import Partition
from flowcore.domain.timetables.base import DataInterval

_rows = rows_of(
    "runs",
    dag_id=sa.Text,
    run_id=sa.Text,
    dag_version_id=sa.BigInteger,
    run_type=sa.Text,
    state=sa.Text,
    logical_date=UtcDateTime,
    run_after=UtcDateTime,
    data_interval_start=UtcDateTime,
    data_interval_end=UtcDateTime,
    conf=Json,
    params=Json,
    queued_at=UtcDateTime,
    backfill_id=sa.BigInteger,
    backfill_ordinal=sa.Integer,
    asset_batch=sa.Text,
    partition_key=sa.Text,
    partition_date=UtcDateTime,
)
_columns = [*_rows.c.keys(), "revision", "clear_number"]
# SQLite cannot tell ON CONFLICT from a join's ON unless the SELECT has a WHERE.
_source = sa.select(_rows, sa.literal_column("0"), sa.literal_column("0")).where(sa.true())
_INSERT = {
    "postgresql": postgresql_insert(dag_run)
    .on_conflict_do_nothing()
    .from_select(_columns, _source, include_defaults=False)
    .returning(dag_run.c.id),
    "sqlite": sqlite_insert(dag_run)
    .on_conflict_do_nothing()
    .from_select(_columns, _source, include_defaults=False)
    .returning(dag_run.c.id),
}


@attrs.frozen(kw_only=True)
class NewRun:
    """A run to be queued."""

    dag_id: str
    run_id: str
    dag_version_id: int
    run_type: str
    run_after: datetime
    logical_date: datetime | None = None
    data_interval: DataInterval | None = None
    conf: Mapping[str, Any] = attrs.field(factory=dict)
    params: Mapping[str, Any] = attrs.field(factory=dict)
    backfill_id: int | None = None
    backfill_ordinal: int | None = None
    asset_batch: str | None = None
    partition: Partition | None = None


def insert_dag_runs(connection: sa.Connection, runs: Iterable[NewRun], *, now: datetime) -> int:
    """Insert the runs that do not exist yet; how many there were."""
    rows = [_row(run, now) for run in runs]
    if not rows:
        return 0
    insert = _INSERT[connection.dialect.name]
    return len(connection.execute(insert, {"runs": dump_rows(rows)}).all())


def _row(run: NewRun, now: datetime) -> tuple[object, ...]:
    interval = run.data_interval
    return (
        run.dag_id,
        run.run_id,
        run.dag_version_id,
        run.run_type,
        "queued",
        run.logical_date,
        run.run_after,
        interval.start if interval else None,
        interval.end if interval else None,
        dict(run.conf),
        dict(run.params),
        now,
        run.backfill_id,
        run.backfill_ordinal,
        run.asset_batch,
        run.partition.key if run.partition else None,
        run.partition.date if run.partition else None,
    )

"""Assets, which Dags have to do with them, the events that update them, and who has consumed these.

`docs/decisions/0027-an-asset-event-is-delivered-to-each-dag.md` says why there are rows per event and Dag.
"""

from __future__ import annotations

import sqlalchemy as sa

from flowcore.database.tables.metadata import Identity, metadata, partial_index
from flowcore.database.types import Json, UtcDateTime

asset = sa.Table(
    "asset",
    metadata,
    sa.Column("id", Identity, sa.Identity(), primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("uri", sa.Text, nullable=False),
    sa.Column("group", sa.Text, nullable=False),
    sa.Column("extra", Json, nullable=False),
    sa.UniqueConstraint("name", "uri"),
    sa.Index("ix_asset_uri", "uri"),
    sqlite_autoincrement=True,
)

#: Which assets were ever updated through an alias.
alias_asset = sa.Table(
    "alias_asset",
    metadata,
    sa.Column("alias", sa.Text, nullable=False),
    sa.Column("asset_id", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("alias", "asset_id"),
    sa.Index("ix_alias_asset_asset_id", "asset_id"),
)

#: What the newest version of a Dag says of assets; `used_as` is schedule, inlet or outlet. A row names an
#: asset (name and uri), what refers to one (name or uri), or an alias. `task_id` is empty for a schedule.
asset_reference = sa.Table(
    "asset_reference",
    metadata,
    sa.Column("id", Identity, sa.Identity(), primary_key=True),
    sa.Column("dag_id", sa.Text, nullable=False),
    sa.Column("used_as", sa.Text, nullable=False),
    sa.Column("task_id", sa.Text, nullable=False),
    sa.Column("name", sa.Text),
    sa.Column("uri", sa.Text),
    sa.Column("alias", sa.Text),
    sa.Index("ix_asset_reference_dag_id", "dag_id"),
    partial_index("ix_asset_reference_name", "name", where="name IS NOT NULL"),
    partial_index("ix_asset_reference_uri", "uri", where="uri IS NOT NULL"),
    partial_index("ix_asset_reference_alias", "alias", where="alias IS NOT NULL"),
)

#: `extra` is a JSON object; without a source the event came from outside. `alias` is what the asset was
#: named through.
asset_event = sa.Table(
    "asset_event",
    metadata,
    sa.Column("id", Identity, sa.Identity(), primary_key=True),
    sa.Column("asset_id", sa.BigInteger, nullable=False),
    sa.Column("extra", Json, nullable=False),
    sa.Column("source_dag_id", sa.Text),
    sa.Column("source_run_id", sa.Text),
    sa.Column("source_task_id", sa.Text),
    sa.Column("source_map_index", sa.Integer),
    sa.Column("alias", sa.Text),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("partition_key", sa.Text),
    sa.Index("ix_asset_event_asset_id", "asset_id", "created_at"),
    partial_index("ix_asset_event_alias", "alias", "created_at", where="alias IS NOT NULL"),
    sqlite_autoincrement=True,
)

#: Dags that wait for assets, and for what (`domain/asset_documents.py`). Whoever has locked the row creates
#: their runs. `partitions` is the timetable of those that have a run for each partition; they are told of
#: partitions only, and others of none.
asset_schedule = sa.Table(
    "asset_schedule",
    metadata,
    sa.Column("dag_id", sa.Text, primary_key=True),
    sa.Column("condition", Json, nullable=False),
    sa.Column("partitions", Json),
)

#: One row per event and Dag that waits for its asset, until the end of time: `state` is new until the Dag
#: was looked at with it, then seen; `dag_run_id` is the run that has consumed it. With `partitions` there is
#: a row per partition of the Dag for which the event counts; until it was seen one with an empty key.
asset_delivery = sa.Table(
    "asset_delivery",
    metadata,
    sa.Column("dag_id", sa.Text, nullable=False),
    sa.Column("event_id", sa.BigInteger, nullable=False),
    sa.Column("partition_key", sa.Text, nullable=False, default=""),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("dag_run_id", sa.BigInteger),
    sa.PrimaryKeyConstraint("dag_id", "event_id", "partition_key"),
    partial_index("ix_asset_delivery_new", "dag_id", where="state = 'new'"),
    partial_index("ix_asset_delivery_pending", "dag_id", "event_id", where="dag_run_id IS NULL"),
    partial_index("ix_asset_delivery_consumed", "dag_run_id", where="dag_run_id IS NOT NULL"),
)

"""The schema, one subject a module.

- Hot tables (`task_instance`, `unsettled`, `xcom`) have no foreign keys: a check per row costs more than
  the row. Their parents are deleted by `flowcore db clean`, which takes the children first.
- Times are `UtcDateTime`: aware UTC in Python on every database.
- A partial index serves each claim, so that finished rows weigh on no routine.
"""

from flowcore.database.tables.assets import (
    alias_asset,
    asset,
    asset_delivery,
    asset_event,
    asset_reference,
    asset_schedule,
)
from flowcore.database.tables.backfills import backfill, backfill_date
from flowcore.database.tables.callbacks import callback
from flowcore.database.tables.dag_runs import dag_run
from flowcore.database.tables.dags import dag, dag_source, dag_version, import_error
from flowcore.database.tables.leases import lease
from flowcore.database.tables.metadata import metadata
from flowcore.database.tables.pools import pool
from flowcore.database.tables.rendered_fields import rendered_fields
from flowcore.database.tables.secrets import connection, variable
from flowcore.database.tables.state_stores import asset_state_store, task_state_store
from flowcore.database.tables.task_instances import task_instance, task_try, unsettled
from flowcore.database.tables.triggers import trigger
from flowcore.database.tables.xcoms import xcom

__all__ = [
    "alias_asset",
    "asset",
    "asset_delivery",
    "asset_event",
    "asset_reference",
    "asset_schedule",
    "asset_state_store",
    "backfill",
    "backfill_date",
    "callback",
    "connection",
    "dag",
    "dag_run",
    "dag_source",
    "dag_version",
    "import_error",
    "lease",
    "metadata",
    "pool",
    "rendered_fields",
    "task_instance",
    "task_state_store",
    "task_try",
    "trigger",
    "unsettled",
    "variable",
    "xcom",
]

"""Task instances, their earlier tries, and the marks that tell the scheduler what to settle."""

from __future__ import annotations

import sqlalchemy as sa

from flowcore.database.tables.metadata import Identity, metadata, partial_index
from flowcore.database.types import Json, UtcDateTime

#: One row per task instance; it describes the current try. `lease_id` is the process where a try of it
#: may be alive: also one that is not wanted any more, until its end is reported. `token` grows with every
#: claim and fences out reports of lost tries. `run_date` (logical date, else run_after) and `position` (Dag
#: order) break ties of priority; the position is -1 when the task is not in the run's version of the Dag.
#: A retry, or a try that was put off, is `due_at`. `waiting_since` is the start of the first try that was put
#: off since the task instance was cleared; `reschedules` counts how often tries were, since the row exists.
#: `rendered_map_index` is how people call an instance of a mapped task, if its template says so.
#: `reason` is what the task's retry policy said of the last try that failed.
#: `effects` are what the try said about the rest of the run; they hold while the task instance is a success.
task_instance = sa.Table(
    "task_instance",
    metadata,
    sa.Column("id", Identity, sa.Identity(), primary_key=True),
    sa.Column("dag_run_id", sa.BigInteger, nullable=False),
    sa.Column("dag_id", sa.Text, nullable=False),
    sa.Column("task_id", sa.Text, nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("map_index", sa.Integer, nullable=False, default=-1),
    sa.Column("state", sa.Text),
    sa.Column("try_number", sa.Integer, nullable=False, default=0),
    sa.Column("max_tries", sa.Integer, nullable=False, default=0),
    sa.Column("lost_tries", sa.Integer, nullable=False, default=0, server_default="0"),
    sa.Column("token", sa.BigInteger, nullable=False, default=0, server_default="0"),
    sa.Column("lease_id", sa.BigInteger),
    sa.Column("trigger_id", sa.BigInteger),
    sa.Column("pool", sa.Text, nullable=False),
    sa.Column("pool_slots", sa.Integer, nullable=False),
    sa.Column("priority_weight", sa.Integer, nullable=False),
    sa.Column("executor", sa.Text),
    sa.Column("run_date", UtcDateTime, nullable=False),
    sa.Column("scheduled_at", UtcDateTime),
    sa.Column("queued_at", UtcDateTime),
    sa.Column("start_date", UtcDateTime),
    sa.Column("end_date", UtcDateTime),
    sa.Column("due_at", UtcDateTime),
    sa.Column("reason", sa.Text),
    sa.Column("error", sa.Text),
    sa.Column("effects", Json),
    sa.Column("runs_in", sa.Text),
    sa.Column("waiting_since", UtcDateTime),
    sa.Column("reschedules", sa.Integer, nullable=False, default=0, server_default="0"),
    sa.Column("rendered_map_index", sa.Text),
    sa.UniqueConstraint("dag_run_id", "task_id", "map_index"),
    partial_index(
        "ix_task_instance_scheduled",
        "pool",
        sa.text("priority_weight DESC"),
        "run_date",
        "dag_run_id",
        "position",
        "map_index",
        where="state = 'scheduled'",
    ),
    partial_index(
        "ix_task_instance_pool",
        "pool",
        "dag_id",
        "pool_slots",
        where="lease_id IS NOT NULL AND pool_slots > 0",
    ),
    partial_index(
        "ix_task_instance_active",
        "dag_id",
        "dag_run_id",
        "task_id",
        where="lease_id IS NOT NULL",
    ),
    partial_index(
        "ix_task_instance_revoked",
        "lease_id",
        where="lease_id IS NOT NULL AND state NOT IN ('queued', 'running')",
    ),
    partial_index("ix_task_instance_due", "due_at", where="state IN ('up_for_retry', 'up_for_reschedule')"),
    # An id must never come back: processes remember by it what was deleted meanwhile.
    sqlite_autoincrement=True,
)

#: Tries that were followed by another one; the newest is in `task_instance` itself.
task_try = sa.Table(
    "task_try",
    metadata,
    sa.Column("task_instance_id", sa.BigInteger, nullable=False),
    sa.Column("token", sa.BigInteger, nullable=False),
    sa.Column("try_number", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("lease_id", sa.BigInteger),
    sa.Column("start_date", UtcDateTime),
    sa.Column("end_date", UtcDateTime),
    sa.Column("error", sa.Text),
    sa.PrimaryKeyConstraint("task_instance_id", "token"),
)

#: A finished task instance whose downstream was not looked at yet. Written with the end, deleted with
#: what the scheduler made of it. `created_at` is on the database's clock.
unsettled = sa.Table(
    "unsettled",
    metadata,
    sa.Column("id", Identity, sa.Identity(), primary_key=True),
    sa.Column("dag_run_id", sa.BigInteger, nullable=False, index=True),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("map_index", sa.Integer, nullable=False, server_default="-1"),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime),
    sa.Column("effects", Json),
)

"""Pause Dags whose latest runs have all failed, as many as `max_consecutive_failed_dag_runs` says.

This is a transaction of its own after the one that ended a run: that one holds runs, and a Dag is locked
before its runs. A crash between the two leaves the Dag to its next run that fails.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import sqlalchemy as sa

from flowcore.database.dag_versions import DagVersions
from flowcore.database.queries.claims import names
from flowcore.database.rows import dump_rows
from flowcore.database.tables import dag, dag_run
from flowcore.domain.dags import Dag
from flowcore.domain.run_types import DagRunType
from flowcore.domain.states import DagRunState
from flowcore.scheduler.decisions.pause_failing_dags import keeps_failing

_LOCK = (
    sa.select(dag.c.dag_id, dag.c.latest_version_id)
    .where(dag.c.dag_id.in_(names("dags")), dag.c.is_paused.is_(sa.false()))
    .order_by(dag.c.dag_id)
    .with_for_update(key_share=True)
)
_LATEST = (
    sa.select(dag_run.c.state)
    .where(dag_run.c.dag_id == sa.bindparam("dag"), dag_run.c.run_type != DagRunType.BACKFILL.value)
    .order_by(dag_run.c.logical_date.desc().nulls_last(), dag_run.c.id.desc())
    .limit(sa.bindparam("limit"))
)
_PAUSE = dag.update().values(is_paused=True).where(dag.c.dag_id.in_(names("dags")))


def pause_failing_dags(
    connection: sa.Connection, dag_ids: Collection[str], *, versions: DagVersions
) -> Sequence[str]:
    """Pause those of the Dags that keep failing; which these are."""
    rows = connection.execute(_LOCK, {"dags": dump_rows((key,) for key in sorted(dag_ids))}).all()
    dags = versions.get(connection, {row.latest_version_id for row in rows})
    failing = [row.dag_id for row in rows if _keeps_failing(connection, dags[row.latest_version_id])]
    if failing:
        connection.execute(_PAUSE, {"dags": dump_rows((key,) for key in failing)})
    return failing


def _keeps_failing(connection: sa.Connection, of: Dag) -> bool:
    limit = of.max_consecutive_failed_dag_runs
    if limit <= 0:
        return False
    latest = connection.scalars(_LATEST, {"dag": of.dag_id, "limit": limit}).all()
    return keeps_failing([DagRunState(state) for state in latest], max_consecutive_failed_dag_runs=limit)

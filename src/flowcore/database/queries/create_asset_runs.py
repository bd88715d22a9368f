"""Create the runs of Dags whose assets were updated.

Whoever has locked a Dag's row in `asset_schedule` looks at its pending events; no other routine takes that
lock, so it is never waited for. Deliveries are first marked as seen, then read: one that comes in between
stays new, and its wake-up brings this routine round again. A run, and that it has consumed all deliveries of
its Dag that are pending when it is written, commit together.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from flowcore.database.dag_versions import DagVersions
from flowcore.database.queries.claims import literal, names
from flowcore.database.queries.create_partition_runs import due_partition_runs
from flowcore.database.queries.insert_dag_runs import NewRun, insert_dag_runs
from flowcore.database.rows import dump_rows, rows_of
from flowcore.database.tables import (
    alias_asset,
    asset,
    asset_delivery,
    asset_event,
    asset_schedule,
    dag,
    dag_run,
)
from flowcore.database.unanswered import unanswered
from flowcore.database.wakeups import wake
from flowcore.domain.asset_documents import load_asset
from flowcore.domain.assets import AssetKey
from flowcore.domain.params import validate_params
from flowcore.domain.run_types import DagRunType
from flowcore.errors import ParamError
from flowcore.scheduler.decisions.create_asset_runs import AssetRun, PendingAsset
from flowcore.scheduler.store import Batch, DecideAssetRun
from flowcore.scheduler.wake_graph import Channel

log = logging.getLogger(__name__)

Row = sa.Row[*tuple[Any, ...]]


def _count(state: str) -> sa.ScalarSelect[int]:
    # One count per state: each has a partial index.
    in_state = sa.and_(
        dag_run.c.dag_id == dag.c.dag_id, dag_run.c.state == literal(state), dag_run.c.backfill_id.is_(None)
    )
    return sa.select(sa.func.count()).where(in_state).scalar_subquery()


_d = asset_delivery.c
#: Events pile up while as many runs as may run are there; the next run takes them all.
_has_room = sa.or_(dag.c.max_active_runs <= 0, dag.c.max_active_runs > _count("queued") + _count("running"))
_has_news = sa.exists().where(_d.dag_id == asset_schedule.c.dag_id, _d.state == literal("new"))
_LOCK = (
    sa.select(
        asset_schedule.c.dag_id,
        asset_schedule.c.condition,
        asset_schedule.c.partitions,
        dag.c.latest_version_id,
    )
    .join(dag, dag.c.dag_id == asset_schedule.c.dag_id)
    .where(_has_news, dag.c.is_paused.is_(sa.false()), dag.c.is_active.is_(sa.true()), _has_room)
    .order_by(asset_schedule.c.dag_id)
    .limit(sa.bindparam("limit"))
    .with_for_update(of=asset_schedule, skip_locked=True)
)
_SEE = (
    asset_delivery.update()
    .values(state="seen")
    .where(_d.dag_id.in_(names("dags")), _d.state == literal("new"))
)
_PENDING = (
    sa.select(
        _d.dag_id,
        asset.c.id.label("asset_id"),
        asset.c.name,
        asset.c.uri,
        sa.func.max(asset_event.c.id).label("last_event_id"),
        sa.func.max(asset_event.c.created_at).label("updated_at"),
    )
    .select_from(asset_delivery)
    .join(asset_event, asset_event.c.id == _d.event_id)
    .join(asset, asset.c.id == asset_event.c.asset_id)
    .where(_d.dag_id.in_(names("dags")), _d.dag_run_id.is_(None))
    .group_by(_d.dag_id, asset.c.id, asset.c.name, asset.c.uri)
)
_ALIASES = (
    sa.select(alias_asset.c.asset_id, alias_asset.c.alias)
    .distinct()
    .join(asset_event, asset_event.c.asset_id == alias_asset.c.asset_id)
    .join(asset_delivery, _d.event_id == asset_event.c.id)
    .where(_d.dag_id.in_(names("dags")), _d.dag_run_id.is_(None))
)
_created = rows_of("created", dag_id=sa.Text, run_id=sa.Text, partition_key=sa.Text)
_CONSUME = (
    asset_delivery.update()
    .values(
        state="seen",
        dag_run_id=sa.select(dag_run.c.id)
        .where(dag_run.c.dag_id == _created.c.dag_id, dag_run.c.run_id == _created.c.run_id)
        .scalar_subquery(),
    )
    .where(
        _d.dag_id == _created.c.dag_id,
        _d.partition_key == _created.c.partition_key,
        _d.dag_run_id.is_(None),
    )
)


def create_asset_runs(
    connection: sa.Connection, decide: DecideAssetRun, *, versions: DagVersions, now: datetime, limit: int
) -> Batch:
    """Create what is due of at most `limit` Dags that have news."""
    waiting = connection.execute(_LOCK, {"limit": limit}).all()
    if not waiting:
        return Batch()
    partitioned = [row for row in waiting if row.partitions is not None]
    whole = [row for row in waiting if row.partitions is None]
    due = [
        *(_due_runs(connection, whole, decide) if whole else ()),
        *(due_partition_runs(connection, partitioned) if partitioned else ()),
    ]
    created = _create(connection, due, versions, now) if due else 0
    return Batch(moved=created, more=len(waiting) == limit)


def _due_runs(
    connection: sa.Connection, rows: Sequence[Row], decide: DecideAssetRun
) -> Iterator[tuple[Row, AssetRun]]:
    dag_ids = dump_rows((row.dag_id,) for row in rows)
    connection.execute(unanswered(_SEE), {"dags": dag_ids})
    pending = _pending(connection, dag_ids)
    for row in rows:
        run = decide(load_asset(row.condition), pending.get(row.dag_id, ()))
        if run is not None:
            yield row, run


def _pending(connection: sa.Connection, dag_ids: str) -> Mapping[str, Sequence[PendingAsset]]:
    aliases = defaultdict[int, set[str]](set)
    for asset_id, alias in connection.execute(_ALIASES, {"dags": dag_ids}):
        aliases[asset_id].add(alias)
    pending = defaultdict[str, list[PendingAsset]](list)
    for row in connection.execute(_PENDING, {"dags": dag_ids}):
        pending[row.dag_id].append(
            PendingAsset(
                AssetKey(row.name, row.uri),
                frozenset(aliases.get(row.asset_id, ())),
                row.last_event_id,
                row.updated_at,
            )
        )
    return pending


def _create(
    connection: sa.Connection, due: Sequence[tuple[Row, AssetRun]], versions: DagVersions, now: datetime
) -> int:
    dags = versions.get(connection, (row.latest_version_id for row, _ in due))
    runs = []
    for row, run in due:
        try:
            params = validate_params(row.dag_id, dags[row.latest_version_id].params, {})
        except ParamError as error:
            # A Dag with a schedule and such params is refused; this one was stored by something else.
            log.error("the Dag %r cannot run for its assets: %s", row.dag_id, error)
            continue
        runs.append(
            NewRun(
                dag_id=row.dag_id,
                run_id=run.run_id,
                dag_version_id=row.latest_version_id,
                run_type=DagRunType.ASSET_TRIGGERED,
                run_after=run.run_after,
                asset_batch=run.batch,
                partition=run.partition,
                params=params,
            )
        )
    created = insert_dag_runs(connection, runs, now=now)
    rows = dump_rows((run.dag_id, run.run_id, run.partition.key if run.partition else "") for run in runs)
    connection.execute(unanswered(_CONSUME), {"created": rows})
    wake(connection, Channel.RUNS_QUEUED)
    return created

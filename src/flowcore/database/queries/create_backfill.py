"""Create a backfill with all its runs in one transaction.

The Dag's row is locked, so that neither its schedule nor another backfill creates runs of the same dates
meanwhile. Runs that are there and are to run again are cleared and become part of the backfill.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs
import sqlalchemy as sa

from flowcore.database.queries.clearing import clear_runs
from flowcore.database.queries.insert_dag_runs import NewRun, insert_dag_runs
from flowcore.database.queries.listing_dags import dag_not_found
from flowcore.database.queries.selected import SelectedRun
from flowcore.database.queries.switch_versions import switch_to_latest
from flowcore.database.rows import dump_rows, rows_of
from flowcore.database.tables import backfill, backfill_date, dag, dag_run, dag_version
from flowcore.database.types import UtcDateTime
from flowcore.database.wakeups import wake
from flowcore.domain.backfills import BackfillAction, BackfillRequest
from flowcore.domain.dags import Dag
from flowcore.domain.params import validate_params
from flowcore.domain.run_types import DagRunType, require_allowed
from flowcore.domain.serialization import load_dag
from flowcore.domain.states import DagRunState
from flowcore.domain.timetables.registry import load_timetable
from flowcore.errors import DagInactive, UsageError
from flowcore.scheduler.decisions.create_backfill import (
    PlannedRun,
    check_backfill,
    dates_between,
    plan_backfill,
)
from flowcore.scheduler.wake_graph import Channel

Row = sa.Row[*tuple[Any, ...]]

_r = dag_run.c
_LOCK_DAG = (
    sa.select(dag.c.is_active, dag.c.fileloc, dag_version.c.id, dag_version.c.document)
    .join_from(dag, dag_version, dag_version.c.id == dag.c.latest_version_id)
    .where(dag.c.dag_id == sa.bindparam("dag"))
    .with_for_update(of=dag, key_share=True)
)
_ACTIVE = sa.select(backfill.c.id).where(
    backfill.c.dag_id == sa.bindparam("dag"), backfill.c.completed_at.is_(None)
)
_dates = rows_of("dates", logical_date=UtcDateTime, ordinal=sa.Integer)
_EXISTING = (
    sa.select(_r.id, _r.run_id, _r.dag_version_id, _r.state, _r.logical_date)
    .where(_r.dag_id == sa.bindparam("dag"), _r.logical_date.in_(sa.select(_dates.c.logical_date)))
    .order_by(_r.id)
    .with_for_update(key_share=True)
)
_ADOPT = (
    dag_run.update()
    .values(run_type="backfill", backfill_id=sa.bindparam("backfill"), backfill_ordinal=_dates.c.ordinal)
    .where(_r.dag_id == sa.bindparam("dag"), _r.logical_date == _dates.c.logical_date)
)
_OF_BACKFILL = sa.select(_r.logical_date, _r.id).where(_r.backfill_id == sa.bindparam("backfill"))
_written = rows_of(
    "written",
    backfill_id=sa.BigInteger,
    ordinal=sa.Integer,
    logical_date=UtcDateTime,
    action=sa.Text,
    dag_run_id=sa.BigInteger,
)
_INSERT_DATES = backfill_date.insert().from_select(
    list(_written.c.keys()), sa.select(_written), include_defaults=False
)


@attrs.frozen
class CreatedBackfill:
    """A backfill and what it does about each date, in order; the id is None after a dry run."""

    id: int | None
    dates: tuple[PlannedRun, ...]


def create_backfill(
    connection: sa.Connection, request: BackfillRequest, *, dry_run: bool = False, now: datetime
) -> CreatedBackfill:
    """Create a backfill; with `dry_run` only say what it would be.

    Raises:
        DagNotFound: no Dag of that id was ever registered.
        DagInactive: its file is gone.
        ParamError: the conf breaks the Dag's params.
        UsageError: the request makes no sense, or the Dag has a backfill that is not completed.
        DagError: the Dag's timetable went wrong.
    """
    version_id, of = _lock_dag(connection, request.dag_id)
    require_allowed(of.dag_id, of.allowed_run_types, DagRunType.BACKFILL)
    timetable = load_timetable(of.timetable)
    check_backfill(request, timetable, now=now)
    if request.run_backwards and of.looks_back:
        raise UsageError(
            f"Dag {of.dag_id!r} has tasks with depends_on_past, whose runs need the ones before them; run the"
            " backfill forwards"
        )
    _require_no_other(connection, request.dag_id)
    params = validate_params(of.dag_id, of.params, request.conf or {})
    dates = dates_between(request, timetable, now=now)
    existing = _existing(connection, request.dag_id, [date for date, _ in dates])
    states = {date: DagRunState(row.state) for date, row in existing.items()}
    plan = plan_backfill(request, dates, states)
    if dry_run:
        return CreatedBackfill(None, plan)
    backfill_id = _insert(connection, request, now)
    _create(connection, request, plan, backfill_id, version_id, params, now)
    _reprocess(connection, request, plan, backfill_id, existing, params, now)
    written = _write_dates(connection, plan, backfill_id)
    wake(connection, Channel.RUNS_QUEUED)
    wake(connection, Channel.BACKFILLS)
    return CreatedBackfill(backfill_id, written)


def _lock_dag(connection: sa.Connection, dag_id: str) -> tuple[int, Dag]:
    row = connection.execute(_LOCK_DAG, {"dag": dag_id}).one_or_none()
    if row is None:
        raise dag_not_found(connection, dag_id)
    if not row.is_active:
        raise DagInactive(dag_id, row.fileloc)
    return row.id, load_dag(row.document)


def _require_no_other(connection: sa.Connection, dag_id: str) -> None:
    active = connection.scalar(_ACTIVE, {"dag": dag_id})
    if active is not None:
        raise UsageError(
            f"Dag {dag_id!r} has backfill {active} already, and one at a time; wait until it is completed, or"
            f" `flowcore backfill cancel {active}`"
        )


def _existing(connection: sa.Connection, dag_id: str, dates: Sequence[datetime]) -> Mapping[datetime, Row]:
    rows = connection.execute(_EXISTING, {"dag": dag_id, "dates": dump_rows((date, 0) for date in dates)})
    return {row.logical_date: row for row in rows}


def _insert(connection: sa.Connection, request: BackfillRequest, now: datetime) -> int:
    values = {
        "dag_id": request.dag_id,
        "from_date": request.from_date,
        "to_date": request.to_date,
        "conf": request.conf,
        "is_paused": False,
        "run_backwards": request.run_backwards,
        "reprocess_behavior": request.reprocess_behavior,
        "max_active_runs": request.max_active_runs,
        "created_at": now,
    }
    inserted = connection.execute(backfill.insert().values(values).returning(backfill.c.id))
    return int(inserted.scalar_one())


def _create(
    connection: sa.Connection,
    request: BackfillRequest,
    plan: Sequence[PlannedRun],
    backfill_id: int,
    version_id: int,
    params: Mapping[str, Any],
    now: datetime,
) -> None:
    runs = [
        NewRun(
            dag_id=request.dag_id,
            run_id=f"backfill__{planned.info.run_after.isoformat()}",
            dag_version_id=version_id,
            run_type="backfill",
            run_after=planned.info.run_after,
            logical_date=planned.logical_date,
            data_interval=planned.info.data_interval,
            partition=planned.info.partition,
            conf=request.conf or {},
            params=params,
            backfill_id=backfill_id,
            backfill_ordinal=planned.ordinal,
        )
        for planned in plan
        if planned.action is BackfillAction.CREATE
    ]
    insert_dag_runs(connection, runs, now=now)


def _reprocess(
    connection: sa.Connection,
    request: BackfillRequest,
    plan: Sequence[PlannedRun],
    backfill_id: int,
    existing: Mapping[datetime, Row],
    params: Mapping[str, Any],
    now: datetime,
) -> None:
    again = [planned for planned in plan if planned.action is BackfillAction.REPROCESS]
    if not again:
        return
    rows = (existing[planned.logical_date] for planned in again)
    runs: Sequence[SelectedRun] = [
        SelectedRun(row.id, row.run_id, row.dag_version_id, row.state) for row in rows
    ]
    if request.latest_version:
        runs = switch_to_latest(connection, request.dag_id, runs)
    clear_runs(connection, runs, now=now)
    dates = dump_rows((planned.logical_date, planned.ordinal) for planned in again)
    adopt = _ADOPT if request.conf is None else _ADOPT.values(conf=request.conf, params=dict(params))
    connection.execute(adopt, {"dag": request.dag_id, "backfill": backfill_id, "dates": dates})


def _write_dates(
    connection: sa.Connection, plan: Sequence[PlannedRun], backfill_id: int
) -> tuple[PlannedRun, ...]:
    ids = {row.logical_date: row.id for row in connection.execute(_OF_BACKFILL, {"backfill": backfill_id})}
    written = tuple(_as_it_came(planned, planned.logical_date in ids) for planned in plan)
    rows = (
        (backfill_id, one.ordinal, one.logical_date, one.action, ids.get(one.logical_date)) for one in written
    )
    connection.execute(_INSERT_DATES, {"written": dump_rows(rows)})
    return written


def _as_it_came(planned: PlannedRun, is_there: bool) -> PlannedRun:
    # Somebody may have triggered a run of the date, or one of the same name, in between.
    lost = planned.action is BackfillAction.CREATE and not is_there
    return attrs.evolve(planned, action=BackfillAction.IN_FLIGHT) if lost else planned

"""Queue the runs that tasks ask for; asking again changes nothing (`domain/requested_runs.py`)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from flowcore.database.queries.claims import names
from flowcore.database.queries.clearing import clear_runs
from flowcore.database.queries.insert_dag_runs import NewRun
from flowcore.database.queries.selected import lock_runs
from flowcore.database.queries.triggering import LatestVersion, latest_version, queue
from flowcore.database.rows import dump_rows
from flowcore.database.tables import dag_run
from flowcore.database.types import UtcDateTime
from flowcore.domain.params import validate_params
from flowcore.domain.requested_runs import RequestedRun, RunRequest, TriggerOutcome
from flowcore.domain.run_types import RUN_ID_PATTERN, DagRunType, check_run_id, require_allowed
from flowcore.domain.selections import RunSelection
from flowcore.errors import InvariantBroken

_r = dag_run.c
_OF_DAG = sa.select(_r.run_id, _r.state).where(_r.dag_id == sa.bindparam("dag"))
# Each half has an index of its own.
_THERE = sa.union(
    _OF_DAG.where(_r.run_id.in_(names("names"))),
    _OF_DAG.where(_r.logical_date == sa.bindparam("date", type_=UtcDateTime)),
)
#: Somebody else may make the run between our look and our insert, and then we look again.
_LOOKS_MAX = 3


def queue_requested_run(
    connection: sa.Connection, request: RunRequest, *, run_id_pattern: str = RUN_ID_PATTERN, now: datetime
) -> RequestedRun:
    """Give a task the run that it asks for.

    Raises:
        DagNotFound: nobody has registered the Dag.
        DagInactive: its file is gone.
        DagError: its timetable went wrong.
        ParamError: the conf breaks the Dag's params.
        UsageError: the Dag allows no such runs, the id is not allowed, or the database cannot keep the conf.
    """
    latest = latest_version(connection, request.dag_id)
    if request.refuses_paused and latest.is_paused:
        return RequestedRun(request.wanted_name, TriggerOutcome.PAUSED)
    require_allowed(request.dag_id, latest.dag.allowed_run_types, DagRunType.OPERATOR_TRIGGERED)
    if request.run_id is not None:
        _check(request.run_id, run_id_pattern)
    for _ in range(_LOOKS_MAX):
        there = _runs_there(connection, request)
        mine = _own_run(request, there)
        if mine is not None:
            return RequestedRun(mine, TriggerOutcome.TAKEN_OVER)
        taken = _taken(request, there)
        if taken is not None:
            return _taken_run(connection, request, taken, now=now)
        run = _new_run(request, latest, now=now)
        is_dated = request.logical_date is not None or request.is_undated
        if queue(connection, run, now, is_dated=is_dated, is_named=True) is not None:
            return RequestedRun(run.run_id, TriggerOutcome.CREATED)
    raise InvariantBroken(f"run {request.wanted_name!r} of {request.dag_id!r} comes and goes; report it")


def _check(run_id: str, pattern: str) -> None:
    # As in Airflow a task may call its run as if somebody had made it by hand.
    by_hand = run_id.startswith(f"{DagRunType.MANUAL}__")
    run_type = DagRunType.MANUAL if by_hand else DagRunType.OPERATOR_TRIGGERED
    check_run_id(run_id, run_type, pattern=pattern)


def _runs_there(connection: sa.Connection, request: RunRequest) -> Mapping[str, str]:
    """The states of the runs that have the name, one of the names, or the logical date."""
    wanted = request.names if request.run_id is None else (request.run_id,)
    values = {
        "dag": request.dag_id,
        "names": dump_rows((name,) for name in wanted),
        "date": request.logical_date,
    }
    return {run.run_id: run.state for run in connection.execute(_THERE, values)}


def _own_run(request: RunRequest, there: Mapping[str, str]) -> str | None:
    """The run that this try made, or one before it made and that needs no other after it."""
    if request.run_id is not None:
        return None
    latest = next((name for name in request.names if name in there), None)
    if latest is None or (latest != request.wanted_name and there[latest] in request.again_after):
        return None
    return latest


def _taken(request: RunRequest, there: Mapping[str, str]) -> str | None:
    """The run that has the name or the logical date which the author gave."""
    if request.run_id is None and request.logical_date is None:
        return None
    return request.run_id if request.run_id in there else next(iter(there), None)


def _taken_run(connection: sa.Connection, request: RunRequest, run_id: str, *, now: datetime) -> RequestedRun:
    if not request.resets:
        return RequestedRun(run_id, TriggerOutcome.EXISTS)
    runs = lock_runs(connection, RunSelection(dag_id=request.dag_id, run_id=run_id))
    clear_runs(connection, runs, now=now)
    return RequestedRun(run_id, TriggerOutcome.RESET)


def _new_run(request: RunRequest, latest: LatestVersion, *, now: datetime) -> NewRun:
    run_after = request.run_after or request.logical_date or now
    moment = None if request.is_undated else request.logical_date or run_after
    return NewRun(
        dag_id=request.dag_id,
        run_id=request.wanted_name,
        dag_version_id=latest.id,
        run_type=DagRunType.OPERATOR_TRIGGERED,
        run_after=run_after,
        logical_date=moment,
        data_interval=None if moment is None else latest.manual_interval(moment),
        conf=request.conf,
        params=validate_params(request.dag_id, latest.dag.params, request.conf),
    )

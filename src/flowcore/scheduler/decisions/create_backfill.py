"""Decide which runs a backfill consists of, and in which order they start."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import attrs

from flowcore.domain.backfills import BackfillAction, BackfillRequest, ReprocessBehavior
from flowcore.domain.states import FINISHED_RUN, DagRunState
from flowcore.domain.timetables.base import DagRunInfo, TimeRestriction, Timetable
from flowcore.domain.timetables.following import follow
from flowcore.errors import UsageError

#: So many runs are created in one transaction; whoever wants more asks several times.
RUNS_MAX = 10_000


@attrs.frozen
class PlannedRun:
    """A date that a backfill covers; `ordinal` counts from 1 in the order in which runs start."""

    info: DagRunInfo
    logical_date: datetime
    ordinal: int
    action: BackfillAction


def check_backfill(request: BackfillRequest, timetable: Timetable, *, now: datetime) -> None:
    """Refuse what cannot be carried out.

    Raises:
        UsageError: the dates are wrong, the limit is none, or the schedule has no intervals.
    """
    start, end = request.from_date, request.to_date
    if start.utcoffset() is None or end.utcoffset() is None:
        raise UsageError(f"a backfill from {start} to {end} has dates without a zone; give them a tzinfo")
    if start > end:
        raise UsageError(f"a backfill from {start} to {end} ends before it begins; swap its dates")
    if start >= now:
        raise UsageError(f"a backfill from {start} lies in the future; choose a date in the past")
    if request.max_active_runs < 1:
        raise UsageError(
            f"a backfill with max_active_runs={request.max_active_runs} would never start; allow at least 1"
        )
    if not timetable.is_periodic:
        raise UsageError(
            f"Dag {request.dag_id!r} has schedule {timetable.summary}, which asks for no runs between two"
            " dates; trigger its runs instead"
        )


def plan_backfill(
    request: BackfillRequest,
    dates: Sequence[tuple[datetime, DagRunInfo]],
    existing: Mapping[datetime, DagRunState],
) -> tuple[PlannedRun, ...]:
    """Decide what becomes of each date, given the states of the runs that are there already."""
    in_order = reversed(dates) if request.run_backwards else dates
    return tuple(
        PlannedRun(info, date, ordinal, _action(existing.get(date), request.reprocess_behavior))
        for ordinal, (date, info) in enumerate(in_order, start=1)
    )


def dates_between(
    request: BackfillRequest, timetable: Timetable, *, now: datetime
) -> Sequence[tuple[datetime, DagRunInfo]]:
    """The runs that the timetable asks for between the dates and whose data intervals are over.

    Raises:
        UsageError: there are none, or too many.
    """
    found = [
        (info.logical_date, info)
        for info in _follow(request, timetable, now)
        if info.logical_date is not None and info.run_after <= now
    ]
    if not found:
        raise UsageError(
            f"the schedule {timetable.summary} of Dag {request.dag_id!r} asks for no runs from"
            f" {request.from_date} to {request.to_date} that are due; choose other dates"
        )
    return found


def _follow(request: BackfillRequest, timetable: Timetable, now: datetime) -> Iterator[DagRunInfo]:
    restriction = TimeRestriction(earliest=request.from_date, latest=request.to_date, catchup=True)
    for count, info in enumerate(follow(timetable, restriction, last_interval=None, now=now)):
        if info.run_after > now:
            return
        if count == RUNS_MAX:
            raise UsageError(
                f"a backfill from {request.from_date} to {request.to_date} has more than {RUNS_MAX} runs;"
                " split it into several"
            )
        yield info


def _action(state: DagRunState | None, behavior: ReprocessBehavior) -> BackfillAction:
    if state is None:
        return BackfillAction.CREATE
    if state not in FINISHED_RUN:
        return BackfillAction.IN_FLIGHT
    again = {
        ReprocessBehavior.NONE: frozenset(),
        ReprocessBehavior.FAILED: {DagRunState.FAILED},
        ReprocessBehavior.COMPLETED: FINISHED_RUN,
    }[behavior]
    return BackfillAction.REPROCESS if state in again else BackfillAction.ALREADY_EXISTS

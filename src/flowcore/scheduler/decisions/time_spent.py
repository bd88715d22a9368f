"""Say how long a task instance waited for what, from the dates of the rows; nothing is kept for this."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

import attrs

from flowcore.domain.reasons import Phase, ReasonCode, Spent
from flowcore.domain.states import FINISHED
from flowcore.scheduler.decisions.situations import Hold, Situation


def time_spent(situation: Situation) -> tuple[Spent, ...]:
    """How long each phase of its life took, up to the one it is in."""
    of, run, tries = situation, situation.run, situation.earlier
    retried_since = tries.ended_at if tries.count else None
    spans: list[tuple[Phase, datetime | None, datetime | None]] = [
        (Phase.RUN_WAITED, run.queued_at, run.start_date),
        (Phase.UPSTREAM, None if tries.count else run.start_date, of.scheduled_at),
        (Phase.RETRY_DELAY, retried_since, of.scheduled_at),
        (Phase.LIMITS, of.scheduled_at, of.queued_at),
        (Phase.EXECUTOR, of.queued_at, of.start_date),
        (Phase.RUNNING, of.start_date, of.end_date),
    ]
    if of.state in FINISHED and of.start_date is None:
        spans = spans[:1]  # it never ran
    spent = [_span(phase, since, until, of.now) for phase, since, until in spans]
    if tries.count:
        spent.insert(2, Spent(Phase.EARLIER_TRIES, tries.ran_s, True))
    at_limits = _time_at_limits(of)
    return tuple(
        attrs.evolve(one, by_reason=at_limits) if one.phase is Phase.LIMITS else one
        for one in spent
        if one is not None
    )


def _span(phase: Phase, since: datetime | None, until: datetime | None, now: datetime) -> Spent | None:
    if since is None or (until is not None and until < since):
        return None
    return Spent(phase, ((until or now) - since).total_seconds(), until is not None)


def waited_at_limits(situation: Situation) -> tuple[datetime, datetime] | None:
    """From when until when it was scheduled and not queued, if it was."""
    since, until = situation.scheduled_at, situation.queued_at or situation.now
    return (since, until) if since is not None and since < until else None


def _time_at_limits(of: Situation) -> Mapping[ReasonCode, float]:
    """For how long each limit had no room, as it is now; those that always had room are left out."""
    waited = waited_at_limits(of)
    if waited is None:
        return {}
    spent = {code: _time_above(room, holds, *waited) for code, room, holds in _limits(of) if room is not None}
    return {code: seconds for code, seconds in spent.items() if seconds}


def _limits(of: Situation) -> Iterator[tuple[ReasonCode, int | None, list[tuple[Hold, int]]]]:
    """Each limit: how much others may hold beside this one (None: any), and what they held."""
    in_run = [hold for hold in of.holds if hold.is_of_run]
    of_task = [hold for hold in of.holds if hold.is_of_task]
    pool = of.slots.slots - of.pool_slots if of.slots and of.slots.slots >= 0 else None
    yield ReasonCode.POOL_FULL, pool, [(hold, hold.pool_slots) for hold in of.holds]
    per_run = of.run.max_active_tasks
    yield ReasonCode.MAX_ACTIVE_TASKS, _less_one(per_run if per_run > 0 else None), _each(in_run)
    yield ReasonCode.MAX_ACTIVE_TIS_PER_DAG, _less_one(of.task.max_active_tis_per_dag), _each(of_task)
    in_both = [hold for hold in of_task if hold.is_of_run]
    yield ReasonCode.MAX_ACTIVE_TIS_PER_DAGRUN, _less_one(of.task.max_active_tis_per_dagrun), _each(in_both)


def _less_one(limit: int | None) -> int | None:
    return None if limit is None else limit - 1


def _each(holds: Iterable[Hold]) -> list[tuple[Hold, int]]:
    return [(hold, 1) for hold in holds]


def _time_above(room: int, holds: Iterable[tuple[Hold, int]], since: datetime, until: datetime) -> float:
    """How many seconds of the time others held more than `room`."""
    changes = [(until, 0)]
    for hold, slots in holds:
        changes.append((max(since, hold.since), slots))
        changes.append((min(until, hold.until or until), -slots))
    held, last, seconds = 0, since, 0.0
    for at, change in sorted(changes):
        if held > room:
            seconds += (at - last).total_seconds()
        held, last = held + change, at
    return seconds

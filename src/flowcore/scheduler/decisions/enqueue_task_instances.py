"""Choose which scheduled task instances may be queued now: the critical section's decision.

Every limit is checked against what is active plus what this pass has already chosen, so a pass never
exceeds one; the store takes the snapshot and applies the choice under the same locks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import TypeVar

import attrs

from flowcore.domain.workloads import RunsIn, Slots
from flowcore.scheduler.decisions.candidates import Candidate, in_turn

K = TypeVar("K", bound=Hashable)

#: A wide task instance lets narrower ones of its pool pass for this long, then they wait with it.
PATIENCE = timedelta(seconds=30)


@attrs.define
class ActiveUsage:
    """What queued and running task instances hold right now. The keys are what each limit counts.

    `per_dag` are slots by pool and Dag, and `served` says when the Dag had its last turn there, as a number
    that grows. Only what bears on the candidates need be counted.
    """

    pool_slots: Counter[str] = attrs.field(factory=Counter)
    per_dag: Counter[tuple[str, str]] = attrs.field(factory=Counter)
    served: Mapping[tuple[str, str], int] = attrs.field(factory=dict)
    per_run: Counter[int] = attrs.field(factory=Counter)
    per_task: Counter[tuple[str, str]] = attrs.field(factory=Counter)
    per_run_task: Counter[tuple[int, str]] = attrs.field(factory=Counter)

    def add(self, candidate: Candidate) -> None:
        """Count one task instance more."""
        self.hold(candidate)
        self.per_run[candidate.dag_run_id] += 1
        self.per_task[candidate.dag_id, candidate.task.task_id] += 1
        self.per_run_task[candidate.dag_run_id, candidate.task.task_id] += 1

    def hold(self, candidate: Candidate) -> None:
        """Count its slots only."""
        self.pool_slots[candidate.pool] += candidate.pool_slots
        self.per_dag[candidate.pool, candidate.dag_id] += candidate.pool_slots


@attrs.frozen
class Limits:
    """Slots of each pool (negative: unlimited), and free places by executor and where tries run."""

    pools: Mapping[str, int]
    places: Mapping[tuple[str, RunsIn], int]

    @classmethod
    def of(cls, pools: Mapping[str, int], executors: Mapping[str, Slots]) -> Limits:
        """Take the places from what executors say."""
        places = {(name, kind): free for name, slots in executors.items() for kind, free in slots.items()}
        return cls(pools, places)

    @property
    def executors(self) -> frozenset[str]:
        """The executors that there are."""
        return frozenset(name for name, _ in self.places)

    @property
    def full_places(self) -> list[tuple[str, RunsIn]]:
        """Which places are taken."""
        return [place for place, free in self.places.items() if free <= 0]

    @property
    def free_places(self) -> int:
        """How many places are free in all."""
        return sum(max(0, free) for free in self.places.values())

    def less(self, taken: Iterable[Candidate]) -> Limits:
        """Return what remains after these took their places."""
        count = Counter(candidate.place for candidate in taken)
        return Limits(self.pools, {place: free - count[place] for place, free in self.places.items()})


@attrs.frozen
class EnqueueDecision:
    """Who is queued, who can never run (with the reason), who was passed over for a moment; what is full.

    Whoever waits for something full need not be looked at again in this pass.
    """

    queued: tuple[Candidate, ...] = ()
    impossible: tuple[tuple[Candidate, str], ...] = ()
    contended: tuple[Candidate, ...] = ()
    full_runs: frozenset[int] = frozenset()
    full_pools: frozenset[str] = frozenset()
    full_tasks: frozenset[tuple[str, str]] = frozenset()
    full_run_tasks: frozenset[tuple[int, str]] = frozenset()


def choose_task_instances(
    candidates: Iterable[Candidate], usage: ActiveUsage, limits: Limits, *, now: datetime
) -> EnqueueDecision:
    """Take candidates in their turn until limits are reached; `usage` is brought up to date."""
    return _Pass(usage, limits, now).run(in_turn(candidates, usage.per_dag, usage.served))


class _Pass:
    def __init__(self, usage: ActiveUsage, limits: Limits, now: datetime) -> None:
        self.usage, self.limits, self.now = usage, limits, now
        self.places = Counter(limits.places)
        self.full_runs: set[int] = set()
        self.full_pools: set[str] = set()
        self.full_tasks: set[tuple[str, str]] = set()
        self.full_run_tasks: set[tuple[int, str]] = set()

    def run(self, candidates: Iterable[Candidate]) -> EnqueueDecision:
        queued: list[Candidate] = []
        impossible: list[tuple[Candidate, str]] = []
        contended: list[Candidate] = []
        for candidate in candidates:
            if reason := never_runs(candidate, self.limits):
                impossible.append((candidate, reason))
            elif candidate.is_contended:
                self._keep_free(candidate)
                contended.append(candidate)
            elif self._fits(candidate):
                self.places[candidate.place] -= 1
                self.usage.add(candidate)
                queued.append(candidate)
        return EnqueueDecision(
            tuple(queued),
            tuple(impossible),
            tuple(contended),
            frozenset(self.full_runs),
            frozenset(self.full_pools),
            frozenset(self.full_tasks),
            frozenset(self.full_run_tasks),
        )

    def _keep_free(self, candidate: Candidate) -> None:
        """Let nobody behind it take what it will have as soon as the other scheduler has counted."""
        if self._fits_place(candidate) and self._fits_pool(candidate):
            self.places[candidate.place] -= 1
            self.usage.hold(candidate)

    def _fits(self, candidate: Candidate) -> bool:
        return (
            self._fits_place(candidate)
            and self._fits_run(candidate)
            and self._fits_task(candidate)
            and self._fits_pool(candidate)
        )

    def _fits_place(self, candidate: Candidate) -> bool:
        return self.places[candidate.place] > 0

    def _fits_run(self, candidate: Candidate) -> bool:
        run, limit = candidate.dag_run_id, candidate.max_active_tasks
        return limit <= 0 or _has_room(run, self.usage.per_run[run], limit, self.full_runs)

    def _fits_task(self, candidate: Candidate) -> bool:
        task, usage = candidate.task, self.usage
        of_dag, of_run = (candidate.dag_id, task.task_id), (candidate.dag_run_id, task.task_id)
        per_dag, per_run = task.max_active_tis_per_dag, task.max_active_tis_per_dagrun
        return (per_dag is None or _has_room(of_dag, usage.per_task[of_dag], per_dag, self.full_tasks)) and (
            per_run is None or _has_room(of_run, usage.per_run_task[of_run], per_run, self.full_run_tasks)
        )

    def _fits_pool(self, candidate: Candidate) -> bool:
        pool, slots = candidate.pool, self.limits.pools[candidate.pool]
        if pool in self.full_pools:
            return False
        free = slots - self.usage.pool_slots[pool]
        if slots < 0 or candidate.pool_slots <= free:
            return True
        if free <= 0 or self.now - candidate.scheduled_at > PATIENCE:
            self.full_pools.add(pool)
        return False


def _has_room(key: K, used: int, limit: int, full: set[K]) -> bool:
    if used >= limit:
        full.add(key)
    return used < limit


def never_runs(candidate: Candidate, limits: Limits) -> str | None:
    """Say why a candidate can never run under these limits, with the remedy; None when it can."""
    pool, wanted = candidate.pool, candidate.pool_slots
    slots = limits.pools.get(pool)
    if slots is None:
        return f"pool {pool!r} does not exist; create it or choose another pool for the task"
    if 0 <= slots < wanted:
        return f"the task wants {wanted} slots of pool {pool!r}, which has {slots}; enlarge the pool"
    if candidate.executor not in limits.executors:
        known = ", ".join(sorted(limits.executors))
        return f"no executor is called {candidate.executor!r}; this scheduler has: {known}"
    return None

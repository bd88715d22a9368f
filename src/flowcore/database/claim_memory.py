"""What a scheduler remembers between passes of the critical section: it saves reading and decides nothing."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable
from datetime import datetime, timedelta
from typing import TypeVar

import attrs

from flowcore.database.dag_versions import DagVersions
from flowcore.database.run_facts import RunFactsCache
from flowcore.scheduler.decisions.candidates import Candidate
from flowcore.scheduler.decisions.enqueue_task_instances import ActiveUsage, EnqueueDecision

K = TypeVar("K", bound=Hashable)

#: Wakes who holds a pool that another scheduler has wanted for long.
TURN_WANTED = "turn_wanted"
STAYS_AWAY = timedelta(milliseconds=50)


@attrs.define
class FullTasks:
    """Tasks that were found at limits of their own, so that what waits for these need not be read again.

    They are counted anew in each pass before they are believed. At most `size` are remembered.
    """

    size: int = 1_000
    _per_dag: OrderedDict[tuple[str, str], int] = attrs.field(factory=OrderedDict)
    _per_run: OrderedDict[tuple[str, int, str], int] = attrs.field(factory=OrderedDict)

    @property
    def tasks(self) -> set[tuple[str, str]]:
        """Which tasks to count, each with its Dag."""
        return {*self._per_dag, *((dag_id, task_id) for dag_id, _, task_id in self._per_run)}

    def still_full(self, usage: ActiveUsage) -> tuple[set[tuple[str, str]], set[tuple[int, str]]]:
        """Return those that the count confirms, by Dag and by run, and forget the others."""
        for task, limit in tuple(self._per_dag.items()):
            if usage.per_task[task] < limit:
                del self._per_dag[task]
        for (dag_id, run, task_id), limit in tuple(self._per_run.items()):
            if usage.per_run_task[run, task_id] < limit:
                del self._per_run[dag_id, run, task_id]
        return set(self._per_dag), {(run, task_id) for _, run, task_id in self._per_run}

    def note(self, candidates: Iterable[Candidate], decision: EnqueueDecision) -> None:
        """Remember what a decision about these candidates found full."""
        for candidate in candidates:
            task, run = candidate.task, candidate.dag_run_id
            per_dag, per_run = task.max_active_tis_per_dag, task.max_active_tis_per_dagrun
            if per_dag is not None and (candidate.dag_id, task.task_id) in decision.full_tasks:
                _remember(self._per_dag, (candidate.dag_id, task.task_id), per_dag, self.size)
            if per_run is not None and (run, task.task_id) in decision.full_run_tasks:
                _remember(self._per_run, (candidate.dag_id, run, task.task_id), per_run, self.size)


@attrs.define
class Turns:
    """In which pass a Dag last got slots of a pool. At most `size` are remembered."""

    size: int = 10_000
    served: OrderedDict[tuple[str, str], int] = attrs.field(factory=OrderedDict)
    passes: int = 0

    def note(self, queued: Iterable[Candidate]) -> None:
        """Remember whose turn it was in one pass."""
        self.passes += 1
        for candidate in queued:
            _remember(self.served, (candidate.pool, candidate.dag_id), self.passes, self.size)


@attrs.define
class Courtesy:
    """Whether to stay away for a moment from pools for which another scheduler asks.

    It has been turned away for long, and looks again several times in that moment.
    """

    _heard: int = 0
    _until: datetime | None = None

    def stays_away_until(self, asked: int, now: datetime) -> datetime | None:
        """Until when, if schedulers have `asked` so many times so far; None is not at all."""
        if asked > self._heard:
            self._heard, self._until = asked, now + STAYS_AWAY
        return self._until if self._until is not None and now < self._until else None

    def ignore(self, asked: int) -> None:
        """Do not stay away for what was asked so far: it was this scheduler that did."""
        self._heard = asked


@attrs.define
class ClaimMemory:
    """Dag versions and facts of runs, Dags that this process does not have, tasks that were full; turns.

    `turned_away_at` says since when others have held a pool whenever this scheduler wanted it, `courtesy`
    whether others were.
    """

    versions: DagVersions
    facts: RunFactsCache
    absent_dags: set[str] = attrs.field(factory=set)
    full_tasks: FullTasks = attrs.field(factory=FullTasks)
    turns: Turns = attrs.field(factory=Turns)
    turned_away_at: datetime | None = None
    courtesy: Courtesy = attrs.field(factory=Courtesy)


def _remember(numbers: OrderedDict[K, int], key: K, number: int, size: int) -> None:
    numbers[key] = number
    numbers.move_to_end(key)
    while len(numbers) > size:
        numbers.popitem(last=False)

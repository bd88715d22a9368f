"""Who wants to be queued, and whose turn it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

import attrs

from flowcore.domain.dags import Task
from flowcore.domain.workloads import RunsIn


@attrs.frozen(kw_only=True)
class Candidate:
    """A scheduled task instance: what it wants, by its row, and how it is limited, by its run's Dag.

    `is_contended` says that another scheduler is counting for one of its limits at this moment.
    """

    task_instance_id: int
    dag_id: str
    dag_run_id: int
    task: Task
    map_index: int
    pool: str
    pool_slots: int
    priority_weight: int
    run_date: datetime
    scheduled_at: datetime
    executor: str
    max_active_tasks: int
    is_contended: bool = False

    @property
    def place(self) -> tuple[str, RunsIn]:
        """What it takes one of: the places of its executor for tries of its kind."""
        return self.executor, self.task.runs_in

    @property
    def rank(self) -> tuple[int, datetime, int, int, int]:
        """Airflow's order: priority, run date, Dag order, map index."""
        return -self.priority_weight, self.run_date, self.dag_run_id, self.task.position, self.map_index


def in_turn(
    candidates: Iterable[Candidate],
    held: Mapping[tuple[str, str], int],
    served: Mapping[tuple[str, str], int],
) -> list[Candidate]:
    """Put candidates in the order in which they get slots.

    Priority comes first. Among equals the Dag goes first that holds fewest slots of the pool (`held`, by
    pool and Dag), what stands before a task instance in its own Dag included: so a Dag with a long backlog
    shares a pool with others instead of filling it. Then the one that had its turn longest ago (`served`, a
    number that grows): so each comes round however many they are. Within a Dag the order is `rank`.
    """
    taken: Counter[tuple[str, str, int]] = Counter()
    turns: list[tuple[tuple[int, int, int], Candidate]] = []
    for candidate in sorted(candidates, key=lambda candidate: candidate.rank):
        line = candidate.pool, candidate.dag_id
        before = held.get(line, 0) + taken[*line, candidate.priority_weight]
        turns.append(((-candidate.priority_weight, before, served.get(line, 0)), candidate))
        taken[*line, candidate.priority_weight] += candidate.pool_slots
    turns.sort(key=lambda turn: turn[0])
    return [candidate for _, candidate in turns]

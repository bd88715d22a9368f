"""I7 and I8: what must be true of a pass of the critical section, beside keeping the limits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from flowcore.domain.dags import Dag
from flowcore.domain.states import DagRunState, TaskInstanceState
from flowcore.scheduler.decisions.enqueue_task_instances import PATIENCE
from flowcore.testing.snapshots import Snapshot, TaskInstanceRow


class Room:
    """What limits leave free in a snapshot."""

    def __init__(self, snapshot: Snapshot, dags: Mapping[str, Dag]) -> None:
        self._snapshot, self._dags = snapshot, dags
        self._slots, self._runs = Counter[str](), Counter[int]()
        self._tasks, self._run_tasks = Counter[tuple[str, str]](), Counter[tuple[int, str]]()
        for row in snapshot.holding:
            self._count(row, 1)

    def without(self, row: TaskInstanceRow) -> Room:
        """Return what would be free, had that task instance not been taken."""
        room = Room(self._snapshot, self._dags)
        room._count(row, -1)
        return room

    def has(self, row: TaskInstanceRow) -> bool:
        """Whether a scheduled task instance could start as far as limits go, executors apart."""
        return self._is_open(row) and self.free_slots(row.pool) >= row.pool_slots

    def is_kept(self, pool: str, *, now: datetime) -> bool:
        """Whether the slots of a pool are kept for a wide task instance that has waited for long."""
        return any(
            row.pool == pool
            and row.state is TaskInstanceState.SCHEDULED
            and row.scheduled_at is not None
            and now - row.scheduled_at > PATIENCE
            and self._is_open(row)
            and self.free_slots(pool) < row.pool_slots
            for row in self._snapshot.task_instances.values()
        )

    def free_slots(self, pool: str) -> float:
        """The free slots of a pool: none if there is no such pool."""
        slots = self._snapshot.pools.get(pool, 0)
        return float("inf") if slots < 0 else slots - self._slots[pool]

    def _is_open(self, row: TaskInstanceRow) -> bool:
        dag, run = self._dags[row.dag_id], self._snapshot.runs[row.dag_run_id]
        task = dag.tasks[row.position]
        return (
            run.state is DagRunState.RUNNING
            and (dag.max_active_tasks <= 0 or self._runs[run.id] < dag.max_active_tasks)
            and _below(self._tasks[row.dag_id, row.task_id], task.max_active_tis_per_dag)
            and _below(self._run_tasks[run.id, row.task_id], task.max_active_tis_per_dagrun)
        )

    def _count(self, row: TaskInstanceRow, sign: int) -> None:
        self._slots[row.pool] += sign * row.pool_slots
        self._runs[row.dag_run_id] += sign
        self._tasks[row.dag_id, row.task_id] += sign
        self._run_tasks[row.dag_run_id, row.task_id] += sign


def check_nobody_starves(after: Snapshot, dags: Mapping[str, Dag], *, now: datetime) -> None:
    """I7: after a pass that had places left and nothing more to do, nobody waits who could start."""
    room = Room(after, dags)
    starving = [
        str(row)
        for row in after.task_instances.values()
        if row.state is TaskInstanceState.SCHEDULED and room.has(row) and not room.is_kept(row.pool, now=now)
    ]
    assert not starving, f"these could start, and the scheduler had nothing more to do: {starving}"


def check_priority(before: Snapshot, after: Snapshot, dags: Mapping[str, Dag]) -> None:
    """I8: nobody was queued whose slots somebody of the same pool with more priority could have had."""
    room = Room(after, dags)
    waiting = [row for row in before.task_instances.values() if row.state is TaskInstanceState.SCHEDULED]
    changed = [(row, after.task_instances[row.id]) for row in waiting if row.id in after.task_instances]
    left = [now for _, now in changed if now.state is TaskInstanceState.SCHEDULED]
    for _, taken in changed:
        if taken.state is TaskInstanceState.QUEUED:
            for row in left:
                if row.pool == taken.pool and row.priority_weight > taken.priority_weight:
                    assert not room.without(taken).has(row), (
                        f"{taken} was queued before {row}, which is heavier"
                    )


def _below(count: int, limit: int | None) -> bool:
    return limit is None or count < limit

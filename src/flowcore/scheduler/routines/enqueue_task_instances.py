"""THE critical section: scheduled → queued and into the executors. `decisions/` chooses who."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import attrs

from flowcore.abc import Executor
from flowcore.domain.workloads import Workload
from flowcore.errors import CommitUnknown
from flowcore.scheduler.decisions.enqueue_task_instances import choose_task_instances
from flowcore.scheduler.store import Batch, Store
from flowcore.scheduler.wake_graph import RoutineName


@attrs.frozen
class EnqueueTaskInstances:
    """Queues task instances for executors; the first executor is the default one.

    When nobody can say whether a claim was committed, `give_up_lease` is called: what it may have claimed
    is known to no executor here, and others take it only from a process that is gone. `expect` is told what
    was submitted.
    """

    store: Store
    executors: Mapping[str, Executor]
    give_up_lease: Callable[[], None]
    expect: Callable[[Workload, datetime], None]
    batch_size: int = 512
    name: RoutineName = RoutineName.ENQUEUE_TASK_INSTANCES

    async def step(self, now: datetime) -> Batch:
        """Queue one batch and submit it; no await stands between the commit and the submission."""
        free_slots = {name: executor.free_slots() for name, executor in self.executors.items()}
        if not any(places > 0 for slots in free_slots.values() for places in slots.values()):
            return Batch()
        try:
            queued = await self.store.enqueue_task_instances(
                choose_task_instances, free_slots, has_dag=self._has_dag, now=now, limit=self.batch_size
            )
        except CommitUnknown:
            self.give_up_lease()
            raise
        for workload in queued.workloads:
            assert workload.executor is not None
            self.expect(workload, now)
            self.executors[workload.executor].submit(workload)
        return queued

    def _has_dag(self, dag_id: str) -> bool:
        return any(executor.has_dag(dag_id) for executor in self.executors.values())

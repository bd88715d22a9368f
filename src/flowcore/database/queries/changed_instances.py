"""What is told of task instances that were changed by hand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs

from flowcore.database.queries.selected import SelectedRun
from flowcore.domain.states import TaskInstanceState
from flowcore.scheduler.decisions.change_task_instances import FoundInstance


@attrs.frozen
class ChangedInstance:
    """A task instance that was changed by hand, and the state it had before."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    state: TaskInstanceState | None


def changed_instances(
    dag_id: str, runs: Iterable[SelectedRun], found: Iterable[FoundInstance]
) -> Sequence[ChangedInstance]:
    """Say which task instances these were, by run and in Dag order."""
    run_id_of = {run.id: run.run_id for run in runs}
    in_order = sorted(found, key=lambda one: (one.dag_run_id, one.position, one.map_index))
    return [
        ChangedInstance(dag_id, run_id_of[one.dag_run_id], one.task_id, one.map_index, one.state)
        for one in in_order
    ]

"""What this process remembers of running Dag runs: a cache, never the truth.

A remembered `RunProgress` is taken out before it is changed and put back after the commit, so that a
transaction that fails or is run again finds nothing and rebuilds it from the rows.
"""

from __future__ import annotations

from collections import OrderedDict

from flowcore.scheduler.decisions.run_progress import RunProgress


class RunCache:
    """Progress by run id, bounded by the number of task instances remembered in all."""

    def __init__(self, task_instances_max: int = 1_000_000) -> None:
        self._max = task_instances_max
        self._size = 0
        self._progress: OrderedDict[int, RunProgress] = OrderedDict()

    def take(self, dag_run_id: int, revision: int) -> RunProgress | None:
        """Take out what is remembered of a run; None when nothing is, or another revision."""
        progress = self._progress.pop(dag_run_id, None)
        if progress is None:
            return None
        self._size -= progress.size
        return progress if progress.revision == revision else None

    def forget(self, dag_run_id: int) -> None:
        """Remember nothing of a run."""
        progress = self._progress.pop(dag_run_id, None)
        if progress is not None:
            self._size -= progress.size

    def put(self, dag_run_id: int, progress: RunProgress) -> None:
        """Remember a run in place of what was remembered of it; those unused for longest make room."""
        self.forget(dag_run_id)
        self._progress[dag_run_id] = progress
        self._size += progress.size
        while self._size > self._max:
            _, oldest = self._progress.popitem(last=False)
            self._size -= oldest.size

    def __len__(self) -> int:
        return len(self._progress)

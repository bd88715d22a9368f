"""Choose which queued Dag runs may start, and how their task instances begin."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import attrs


@attrs.frozen
class QueuedRun:
    """A run that waits to start."""

    dag_run_id: int
    dag_id: str
    dag_version_id: int


def choose_dag_runs(
    queued: Iterable[QueuedRun], *, running: Mapping[str, int], max_active_runs: Mapping[str, int]
) -> tuple[QueuedRun, ...]:
    """Take queued runs in their order while their Dag has fewer running than `max_active_runs`.

    A limit of 0 or less means none.
    """
    active = Counter(running)
    chosen: list[QueuedRun] = []
    for run in queued:
        limit = max_active_runs[run.dag_id]
        if limit <= 0 or active[run.dag_id] < limit:
            active[run.dag_id] += 1
            chosen.append(run)
    return tuple(chosen)

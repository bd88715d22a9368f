"""Choose which queued Dag runs may start."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import attrs

#: Runs that share a limit: those of a Dag (backfill 0), or those of a backfill of the Dag.
Line = tuple[str, int]


@attrs.frozen
class QueuedRun:
    """A run that waits to start."""

    dag_run_id: int
    line: Line


def choose_dag_runs(
    queued: Iterable[QueuedRun], *, running: Mapping[Line, int], max_active_runs: Mapping[Line, int]
) -> tuple[QueuedRun, ...]:
    """Take queued runs in their order while fewer of their line are running than `max_active_runs`.

    A limit of 0 or less means none.
    """
    active = Counter(running)
    chosen: list[QueuedRun] = []
    for run in queued:
        limit = max_active_runs[run.line]
        if limit <= 0 or active[run.line] < limit:
            active[run.line] += 1
            chosen.append(run)
    return tuple(chosen)

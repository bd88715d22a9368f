"""Decide whether a Dag fails so steadily that it is to be paused."""

from __future__ import annotations

from collections.abc import Sequence

from flowcore.domain.states import DagRunState


def keeps_failing(latest: Sequence[DagRunState], *, max_consecutive_failed_dag_runs: int) -> bool:
    """Whether the latest runs, so many as the limit says, have all failed; a limit of 0 or less means none.

    A run that has not ended breaks the series.
    """
    limit = max_consecutive_failed_dag_runs
    return 0 < limit <= len(latest) and all(state is DagRunState.FAILED for state in latest[:limit])

from __future__ import annotations

import pytest

from flowcore.domain.states import DagRunState
from flowcore.scheduler.decisions.pause_failing_dags import keeps_failing

F, S, R = DagRunState.FAILED, DagRunState.SUCCESS, DagRunState.RUNNING


@pytest.mark.parametrize(
    ("latest", "limit", "expected"),
    [
        ([F, F], 2, True),
        ([F, F, S], 2, True),
        ([F], 2, False),
        ([F, S], 2, False),
        ([R, F, F], 2, False),
        ([F], 1, True),
        ([F, F], 0, False),
        ([], 1, False),
    ],
)
def test_a_series_of_failures_as_long_as_the_limit(
    latest: list[DagRunState], limit: int, expected: bool
) -> None:
    assert keeps_failing(latest, max_consecutive_failed_dag_runs=limit) is expected

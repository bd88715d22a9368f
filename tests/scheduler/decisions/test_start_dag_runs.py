from __future__ import annotations

import pytest

from flowcore.scheduler.decisions.start_dag_runs import QueuedRun, choose_dag_runs

QUEUED = [QueuedRun(1, "a", 1), QueuedRun(2, "b", 2), QueuedRun(3, "a", 1), QueuedRun(4, "a", 1)]


def chosen(running: dict[str, int], limits: dict[str, int]) -> list[int]:
    return [run.dag_run_id for run in choose_dag_runs(QUEUED, running=running, max_active_runs=limits)]


def test_runs_start_in_their_order_up_to_the_limit_of_their_dag() -> None:
    assert chosen({}, {"a": 2, "b": 1}) == [1, 2, 3]


def test_runs_that_are_running_count() -> None:
    assert chosen({"a": 1, "b": 1}, {"a": 2, "b": 1}) == [1]


def test_a_full_dag_does_not_hold_up_another_one() -> None:
    assert chosen({"a": 5}, {"a": 2, "b": 1}) == [2]


@pytest.mark.parametrize("limit", [0, -1])
def test_no_limit_lets_every_run_start(limit: int) -> None:
    assert chosen({"a": 100}, {"a": limit, "b": limit}) == [1, 2, 3, 4]

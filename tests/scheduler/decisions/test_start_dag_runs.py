from __future__ import annotations

from collections.abc import Mapping

import pytest

from flowcore.scheduler.decisions.start_dag_runs import Line, QueuedRun, choose_dag_runs

A, B, BACKFILL_OF_A = ("a", 0), ("b", 0), ("a", 7)
QUEUED = [QueuedRun(1, A), QueuedRun(2, B), QueuedRun(3, A), QueuedRun(4, A)]


def chosen(running: Mapping[Line, int], limits: Mapping[Line, int]) -> list[int]:
    return [run.dag_run_id for run in choose_dag_runs(QUEUED, running=running, max_active_runs=limits)]


def test_runs_start_in_their_order_up_to_the_limit_of_their_dag() -> None:
    assert chosen({}, {A: 2, B: 1}) == [1, 2, 3]


def test_runs_that_are_running_count() -> None:
    assert chosen({A: 1, B: 1}, {A: 2, B: 1}) == [1]


def test_a_full_dag_does_not_hold_up_another_one() -> None:
    assert chosen({A: 5}, {A: 2, B: 1}) == [2]


def test_a_backfill_has_its_own_limit_beside_its_dag() -> None:
    queued = [QueuedRun(1, A), QueuedRun(2, BACKFILL_OF_A), QueuedRun(3, BACKFILL_OF_A)]
    limits = {A: 1, BACKFILL_OF_A: 1}
    found = choose_dag_runs(queued, running={A: 1}, max_active_runs=limits)
    assert [run.dag_run_id for run in found] == [2]


@pytest.mark.parametrize("limit", [0, -1])
def test_no_limit_lets_every_run_start(limit: int) -> None:
    assert chosen({A: 100}, {A: limit, B: limit}) == [1, 2, 3, 4]

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowcore.domain.workloads import RunsIn, Slots
from flowcore.scheduler.decisions.candidates import Candidate
from flowcore.scheduler.decisions.enqueue_task_instances import (
    PATIENCE,
    ActiveUsage,
    EnqueueDecision,
    Limits,
    choose_task_instances,
    never_runs,
)
from tests.support.candidates import NOW, candidate


def every(places: int) -> Slots:
    return dict.fromkeys(RunsIn, places)


def choose(
    candidates: Iterable[Candidate],
    *,
    usage: ActiveUsage | None = None,
    pools: Mapping[str, int] | None = None,
    places: int = 100,
) -> EnqueueDecision:
    limits = Limits.of(pools or {"p": 100}, {"local": every(places)})
    return choose_task_instances(candidates, usage or ActiveUsage(), limits, now=NOW)


def queued(decision: EnqueueDecision) -> list[int]:
    return [candidate.task_instance_id for candidate in decision.queued]


def test_candidates_are_taken_in_their_order_until_the_places_are_gone() -> None:
    assert queued(choose([candidate(1), candidate(2), candidate(3)], places=2)) == [1, 2]


def test_tries_of_one_kind_do_not_take_the_places_of_another() -> None:
    limits = Limits.of({"p": 100}, {"local": {RunsIn.PROCESS: 1, RunsIn.WORKER: 1}})
    ready = [candidate(n, runs_in=RunsIn.PROCESS) for n in (1, 2)]
    ready += [candidate(n, runs_in=RunsIn.WORKER, task_id="b") for n in (3, 4)]
    assert queued(choose_task_instances(ready, ActiveUsage(), limits, now=NOW)) == [1, 3]


def test_a_wide_one_lets_narrower_ones_of_its_pool_pass() -> None:
    wide = [candidate(1), candidate(2, pool_slots=2), candidate(3)]
    decision = choose(wide, pools={"p": 2})
    assert queued(decision) == [1, 3]


def test_a_wide_one_that_has_waited_long_is_passed_no_more() -> None:
    waits_s = PATIENCE.total_seconds() + 1
    wide = [candidate(1), candidate(2, pool_slots=2, waits_s=waits_s), candidate(3)]
    decision = choose(wide, pools={"p": 2})
    assert queued(decision) == [1]
    assert decision.full_pools == {"p"}


def test_patience_of_one_pool_does_not_hold_up_another() -> None:
    waits_s = PATIENCE.total_seconds() + 1
    wide = [candidate(1), candidate(2, pool_slots=2, waits_s=waits_s), candidate(3, pool="q")]
    assert queued(choose(wide, pools={"p": 2, "q": 1})) == [1, 3]


def test_slots_that_are_held_are_not_given_again() -> None:
    usage = ActiveUsage(pool_slots=Counter(p=4))
    assert queued(choose([candidate(1), candidate(2)], usage=usage, pools={"p": 5})) == [1]


@pytest.mark.parametrize("slots", [-1, -5])
def test_a_negative_number_of_slots_means_no_limit(slots: int) -> None:
    many = [candidate(n, pool_slots=50) for n in range(10)]
    assert len(queued(choose(many, pools={"p": slots}))) == 10


def test_max_active_tasks_bounds_each_run_by_itself() -> None:
    ready = [candidate(n, run=n % 2, max_active_tasks=2) for n in range(10)]
    decision = choose(ready)
    assert sorted(queued(decision)) == [0, 1, 2, 3]
    assert decision.full_runs == {0, 1}


def test_a_full_run_does_not_hold_up_another_one() -> None:
    usage = ActiveUsage(per_run=Counter({1: 2}))
    ready = [candidate(1, run=1, max_active_tasks=2), candidate(2, run=2, max_active_tasks=2)]
    assert queued(choose(ready, usage=usage)) == [2]


def test_max_active_tis_per_dag_counts_across_runs() -> None:
    ready = [candidate(n, run=n, max_active_tis_per_dag=1) for n in (1, 2)]
    decision = choose(ready)
    assert queued(decision) == [1]
    assert decision.full_tasks == {("etl", "a")}


def test_max_active_tis_per_dagrun_counts_within_each_run() -> None:
    ready = [candidate(n, run=n % 2, max_active_tis_per_dagrun=1) for n in range(4)]
    decision = choose(ready)
    assert queued(decision) == [0, 1]
    assert decision.full_run_tasks == {(0, "a"), (1, "a")}


def test_limits_of_one_task_leave_others_alone() -> None:
    ready = [candidate(n, task_id=f"t{n}", max_active_tis_per_dag=1) for n in range(3)]
    assert queued(choose(ready)) == [0, 1, 2]


def test_slots_are_kept_free_for_one_whose_run_another_scheduler_counts() -> None:
    ready = [candidate(1, is_contended=True), candidate(2), candidate(3)]
    decision = choose(ready, pools={"p": 2})
    assert queued(decision) == [2]
    assert [each.task_instance_id for each in decision.contended] == [1]
    assert queued(choose(ready, places=2)) == [2]


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        ({"pool": "absent"}, "pool 'absent' does not exist; create it"),
        ({"pool_slots": 3}, "wants 3 slots of pool 'p', which has 2; enlarge the pool"),
    ],
)
def test_a_task_that_can_never_run_is_told_why(task: dict[str, Any], reason: str) -> None:
    decision = choose([candidate(1, **task), candidate(2)], pools={"p": 2})
    assert queued(decision) == [2]
    [(impossible, told)] = decision.impossible
    assert impossible.task_instance_id == 1
    assert reason in told


def test_an_unknown_executor_is_told_which_ones_there_are() -> None:
    reason = never_runs(candidate(1), Limits.of({"p": 1}, {"b": every(1), "a": every(1)}))
    assert reason == "no executor is called 'local'; this scheduler has: a, b"


def test_a_pool_without_slots_never_runs_anything() -> None:
    assert never_runs(candidate(1), Limits.of({"p": 0}, {"local": every(1)})) is not None


def test_places_are_what_earlier_passes_left() -> None:
    limits = Limits.of({"p": 1}, {"local": {RunsIn.PROCESS: 2}}).less([candidate(1), candidate(2)])
    assert limits.free_places == 0
    assert limits.full_places == [("local", RunsIn.PROCESS)]


#: Fields of each task; "wide" and "many" have limits of their own.
TASKS: Mapping[str, Mapping[str, Any]] = {
    "plain": {"pool": "p"},
    "wide": {"pool": "p", "pool_slots": 3, "max_active_tis_per_dag": 2},
    "many": {"pool": "q", "max_active_tis_per_dagrun": 1},
}


def drawn(number: int, run: int, task_id: str, waits_s: float) -> Candidate:
    return candidate(number, run=run, max_active_tasks=3, waits_s=waits_s, task_id=task_id, **TASKS[task_id])


CANDIDATES = st.lists(
    st.builds(
        drawn,
        st.integers(1, 1_000),
        st.integers(1, 3),
        st.sampled_from(sorted(TASKS)),
        st.sampled_from([0, 60]),
    ),
    unique_by=lambda candidate: candidate.task_instance_id,
)
POOLS = {"p": 4, "q": -1}


@given(CANDIDATES, st.integers(0, 8))
def test_no_limit_is_ever_exceeded(candidates: list[Candidate], places: int) -> None:
    usage = ActiveUsage()
    decision = choose(candidates, usage=usage, pools=POOLS, places=places)
    assert len(decision.queued) <= places
    assert usage.pool_slots["p"] <= 4
    assert max(usage.per_run.values(), default=0) <= 3
    assert usage.per_task["etl", "wide"] <= 2
    assert max((usage.per_run_task[run, "many"] for run in (1, 2, 3)), default=0) <= 1


@given(CANDIDATES)
def test_one_pass_takes_everyone_who_may_be_taken(candidates: list[Candidate]) -> None:
    usage = ActiveUsage()
    first = choose(candidates, usage=usage, pools=POOLS)
    left = [
        each for each in candidates if each not in first.queued and each.task.pool not in first.full_pools
    ]
    assert choose(left, usage=usage, pools=POOLS).queued == ()

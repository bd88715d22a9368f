from __future__ import annotations

from collections import Counter

from flowcore.database.claim_memory import FullTasks, Turns
from flowcore.scheduler.decisions.enqueue_task_instances import ActiveUsage, EnqueueDecision
from tests.support.candidates import candidate

LIMITED = candidate(1, task_id="a", max_active_tis_per_dag=2, max_active_tis_per_dagrun=1)
BOTH_FULL = EnqueueDecision(full_tasks=frozenset({("etl", "a")}), full_run_tasks=frozenset({(1, "a")}))


def full_tasks(size: int = 10) -> FullTasks:
    remembered = FullTasks(size)
    remembered.note([LIMITED], BOTH_FULL)
    return remembered


def usage(per_dag: int, per_run: int) -> ActiveUsage:
    return ActiveUsage(per_task=Counter({("etl", "a"): per_dag}), per_run_task=Counter({(1, "a"): per_run}))


def test_tasks_at_their_limits_are_remembered_to_be_counted() -> None:
    remembered = full_tasks()
    assert remembered.tasks == {("etl", "a")}
    assert remembered.still_full(usage(2, 1)) == ({("etl", "a")}, {(1, "a")})


def test_a_task_that_is_no_longer_full_is_forgotten() -> None:
    remembered = full_tasks()
    assert remembered.still_full(usage(1, 0)) == (set(), set())
    assert remembered.tasks == set()


def test_tasks_without_limits_are_not_remembered() -> None:
    remembered = FullTasks()
    remembered.note([candidate(1, task_id="a")], BOTH_FULL)
    assert remembered.tasks == set()


def test_the_oldest_make_room() -> None:
    remembered = full_tasks(size=1)
    full = EnqueueDecision(full_tasks=frozenset({("etl", "b")}))
    remembered.note([candidate(2, task_id="b", max_active_tis_per_dag=1)], full)
    per_dag, _ = remembered.still_full(ActiveUsage(per_task=Counter({("etl", "a"): 2, ("etl", "b"): 1})))
    assert per_dag == {("etl", "b")}


def test_turns_are_numbered_by_pass() -> None:
    turns = Turns(size=2)
    turns.note([candidate(1, dag_id="a"), candidate(2, dag_id="b")])
    turns.note([candidate(3, dag_id="a")])
    assert turns.served == {("p", "a"): 2, ("p", "b"): 1}
    turns.note([candidate(4, dag_id="c")])
    assert turns.served == {("p", "a"): 2, ("p", "c"): 3}

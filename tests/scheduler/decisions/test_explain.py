from __future__ import annotations

from datetime import timedelta

import pytest

from flowcore.domain.reasons import ReasonCode
from flowcore.domain.states import DagRunState, TaskInstanceState
from flowcore.scheduler.decisions.explain import explain
from flowcore.scheduler.decisions.situations import Holder, PoolSituation, Situation
from tests.scheduler.decisions.situations import NOW, situation

QUEUED_RUN = {"state": DagRunState.QUEUED, "start_date": None}
LATE = Holder(pid=7, hostname="here", is_alive=False)


@pytest.mark.parametrize(
    ("of", "code", "words"),
    [
        (situation(slots=None), "pool_missing", "there is no pool 'small'; create it"),
        (situation(pool_slots=9), "pool_too_small", "wants 9 slots of pool 'small', which has 4; enlarge"),
        (
            situation(slots=PoolSituation(slots=4, used=3)),
            "pool_full",
            "3 of 4 slots are taken, and it wants 2",
        ),
        (situation(slots=PoolSituation(slots=4, used=0, is_kept=True)), "pool_kept", "are kept for"),
        (situation(run={"active_tasks": 16}), "max_active_tasks", "16 task instances of its run are active"),
        (situation(tries_in_dag=2), "max_active_tis_per_dag", "2 tries of the task are active"),
        (situation(tries_in_run=1), "max_active_tis_per_dagrun", "1 tries of the task are active in its run"),
        (situation(run={"is_paused": True}), "dag_paused", "flowcore dags unpause"),
        (situation(run={"is_active": False}), "dag_inactive", "put the file back"),
        (situation(schedulers=0), "no_scheduler", "start one with `flowcore scheduler`"),
        (situation(), "executor_full", "see `parallelism`"),
        (situation(state=None, upstream={"a": "running"}), "upstream", "as all_success says: a (running)"),
        (situation(state=None, is_held_by_past=True), "run_before", "in the run before it has not succeeded"),
        (situation(state=None), "about_to_be_decided", "all its upstream tasks are done"),
        (
            situation(state=TaskInstanceState.UP_FOR_RETRY, due_at=NOW),
            "retry_delay",
            "due at 2026-03-01 12:00:00",
        ),
        (
            situation(state=TaskInstanceState.UP_FOR_RETRY, due_at=NOW, retry_reason="busy"),
            "retry_delay",
            "its last try failed (its retry policy says: busy), and the next one is due at",
        ),
        (
            situation(state=TaskInstanceState.FAILED, retry_reason="no such customer"),
            "finished",
            "it has ended: failed; its retry policy says: no such customer",
        ),
        (
            situation(state=TaskInstanceState.UP_FOR_RESCHEDULE, due_at=NOW),
            "rescheduled",
            "goes on at 2026-03-01 12:00:00",
        ),
        (situation(state=TaskInstanceState.QUEUED), "with_executor", "about to be started"),
        (situation(state=TaskInstanceState.QUEUED, holder=LATE), "lease_lapsed", "process 7 on here"),
        (situation(state=TaskInstanceState.RESTARTING), "stopping", "its try has to stop first"),
        (situation(state=TaskInstanceState.RUNNING), "running", "it is running"),
        (situation(state=TaskInstanceState.SUCCESS), "finished", "it has ended: success"),
        (situation(run={"state": DagRunState.FAILED}), "run_ended", "its run has ended (failed) without it"),
        (situation(run=QUEUED_RUN, state=None), "run_about_to_start", "its run is about to start"),
        (
            situation(run={**QUEUED_RUN, "running_runs": 16}, state=None),
            "max_active_runs",
            "16 runs of the Dag are running, and max_active_runs is 16",
        ),
        (
            situation(run={**QUEUED_RUN, "run_after": NOW + timedelta(days=1)}, state=None),
            "run_not_due",
            "not due before 2026-03-02 12:00:00",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and " " not in value else "",
)
def test_a_reason_has_a_code_and_a_sentence(of: Situation, code: str, words: str) -> None:
    [reason] = explain(of)
    assert (reason.code, words in reason.sentence) == (ReasonCode(code), True)


def test_all_that_holds_it_up_is_told() -> None:
    reasons = explain(situation(run={"active_tasks": 16}, slots=None, schedulers=0))
    assert [reason.code for reason in reasons] == ["pool_missing", "max_active_tasks", "no_scheduler"]


def test_of_many_upstream_tasks_a_few_are_named() -> None:
    [reason] = explain(situation(state=None, upstream={f"t{n}": "running" for n in range(8)}))
    assert reason.sentence.endswith("t4 (running) and 3 more")
    assert len(reason.facts["upstream"]) == 8

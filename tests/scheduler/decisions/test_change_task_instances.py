from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowcore.domain.dags import Dag, Task
from flowcore.domain.states import (
    FINISHED,
    DagRunState,
    TaskInstanceState,
    check_task_instance_transition,
)
from flowcore.scheduler.decisions.change_task_instances import (
    MARKS,
    ClearedInstance,
    FoundInstance,
    clear_task_instance,
    is_to_be_marked,
    mark_dag_run,
)

WORK = Task(task_id="work", position=0, downstream=(1,))
TEARDOWN = Task(task_id="tidy", position=1, upstream=(0,), is_teardown=True)
DAG = Dag(dag_id="dag", tasks=(WORK, TEARDOWN))
STATES = st.none() | st.sampled_from(TaskInstanceState)


def found(
    state: TaskInstanceState | None, *, position: int = 0, try_number: int = 1, is_held: bool = False
) -> FoundInstance:
    return FoundInstance(
        id=position,
        dag_run_id=1,
        task_id=DAG.tasks[position].task_id,
        position=position,
        map_index=-1,
        state=state,
        try_number=try_number,
        is_held=is_held,
    )


@given(STATES, st.booleans())
def test_clearing_takes_a_legal_step(state: TaskInstanceState | None, is_held: bool) -> None:
    # Only what waits for nothing but its turn is held by nobody.
    is_held = is_held and state in FINISHED | {TaskInstanceState.QUEUED, TaskInstanceState.RUNNING}
    is_held = is_held and state not in (TaskInstanceState.UPSTREAM_FAILED, TaskInstanceState.REMOVED)
    is_held = is_held or state in (TaskInstanceState.QUEUED, TaskInstanceState.RUNNING)
    cleared = clear_task_instance(found(state, is_held=is_held), retries=0)
    if cleared is None:
        assert state in (None, TaskInstanceState.RESTARTING)
    else:
        check_task_instance_transition(state, cleared.state, key="it")
        assert (cleared.state is TaskInstanceState.RESTARTING) is is_held


@given(STATES, st.sampled_from(sorted(MARKS)))
def test_marking_takes_a_legal_step(state: TaskInstanceState | None, mark: TaskInstanceState) -> None:
    if is_to_be_marked(found(state), mark):
        check_task_instance_transition(state, mark, key="it")
    else:
        assert state in (mark, TaskInstanceState.REMOVED)


@given(
    STATES,
    STATES,
    st.sampled_from([DagRunState.SUCCESS, DagRunState.FAILED]),
)
def test_a_marked_run_takes_legal_steps_and_leaves_teardowns_alone(
    work: TaskInstanceState | None, teardown: TaskInstanceState | None, mark: DagRunState
) -> None:
    before = [found(work), found(teardown, position=1)]
    marks, has_ended = mark_dag_run(DAG, before, mark)
    for one in before:
        if one.id in marks:
            check_task_instance_transition(one.state, marks[one.id], key="it")
    assert has_ended is (teardown in FINISHED)
    assert has_ended or 1 not in marks


@pytest.mark.parametrize(
    ("state", "tried"), [(TaskInstanceState.SCHEDULED, 1), (TaskInstanceState.FAILED, 2)]
)
def test_retries_are_counted_from_the_tries_that_began(state: TaskInstanceState, tried: int) -> None:
    cleared = clear_task_instance(found(state, try_number=2), retries=3)
    assert cleared == ClearedInstance(0, None, tried, tried + 3)


def test_a_run_marked_failed_whose_teardown_goes_on_has_something_that_failed() -> None:
    marks, _ = mark_dag_run(DAG, [found(None), found(None, position=1)], DagRunState.FAILED)
    assert marks == {0: TaskInstanceState.FAILED}


def test_a_run_marked_failed_skips_what_did_not_get_to_run() -> None:
    done = found(TaskInstanceState.SUCCESS, position=1)
    marks, has_ended = mark_dag_run(DAG, [found(None), done], DagRunState.FAILED)
    assert (marks, has_ended) == ({0: TaskInstanceState.SKIPPED}, True)

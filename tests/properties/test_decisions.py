"""I1, I4, I6 and I13 over the pure decisions: no database, no time but what is handed in."""

from __future__ import annotations

import random
from contextlib import nullcontext as does_not_raise
from datetime import timedelta
from itertools import product

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from flowcore.domain.dependencies import Look
from flowcore.domain.skips import SkipReach
from flowcore.domain.states import TaskInstanceState
from flowcore.domain.timetables.base import TimeRestriction
from flowcore.domain.timetables.delta import DeltaDataIntervalTimetable
from flowcore.domain.trigger_rules import TriggerRule
from flowcore.domain.verdicts import Verdict
from flowcore.domain.workloads import NO_EFFECTS, TryEffects
from flowcore.scheduler.decisions.create_dag_runs import due_dag_runs
from flowcore.scheduler.decisions.run_progress import Instance, Key, RunProgress
from flowcore.testing import Sometimes, interpret
from flowcore.testing.clock import EPOCH
from flowcore.testing.oracle import verdict_of
from flowcore.testing.strategies import dags, effects
from tests.properties.planted import without_an_edge, without_looks
from tests.support.scheduling import make_dag

SUCCESS, FAILED = TaskInstanceState.SUCCESS, TaskInstanceState.FAILED
HOURLY = DeltaDataIntervalTimetable(timedelta(hours=1))


MEANING = {
    TaskInstanceState.SCHEDULED: Verdict.RUN,
    TaskInstanceState.SKIPPED: Verdict.SKIP,
    TaskInstanceState.UPSTREAM_FAILED: Verdict.UPSTREAM_FAIL,
    TaskInstanceState.REMOVED: Verdict.REMOVE,
}


def check_changes(dag, states, told_to_skip, changes):
    """I4: the interpreter would decide the same of what has ended."""
    for (position, _), state in changes.items():
        assert verdict_of(dag, dag.tasks[position], states, told_to_skip) is MEANING[state]


def ends_of(dag, task):
    """How a task may end, and what it then says about others."""
    ends = st.sampled_from(["success", "failed", "skipped", "removed"]).map(TaskInstanceState)
    good = effects(dag, task).map(lambda drawn: (SUCCESS, drawn))
    return good | ends.map(lambda state: (state, NO_EFFECTS))


def carry_out(dag, ends, seed, *, decided_on):
    """Let the tasks of a run end in some order; the final states, the run's state and its reason."""
    order, progress = random.Random(seed), RunProgress(decided_on)
    states: dict[Key, TaskInstanceState | None] = {(task.position, -1): None for task in dag.tasks}
    told_to_skip: set[str] = set()
    changes = progress.settle_all()
    while True:
        states.update(changes.states)
        check_changes(dag, states, told_to_skip, changes.states)
        running = [key for key, state in states.items() if state is TaskInstanceState.SCHEDULED]
        if not running:
            return states, changes.run_state, changes.reason
        ended = order.choice(running)
        states[ended], effects = ends[ended[0]]
        told_to_skip.update(effects.skips)
        if order.random() < 0.3:  # as after a restart: from the rows, not from memory
            rows = [
                Instance(*key, state, ends[key[0]][1] if state is SUCCESS else NO_EFFECTS)
                for key, state in states.items()
            ]
            progress = RunProgress.of(decided_on, rows, revision=0)
            changes = progress.settle_all()
        else:
            changes = progress.settle([Instance(*ended, states[ended], effects)])


def ends_as_interpreted(dag, ends, seed, *, decided_on=None):
    states, run_state, reason = carry_out(dag, ends, seed, decided_on=decided_on or dag)
    expected = interpret(dag, lambda task: ends[task.position])
    assert states == expected.states
    assert run_state is expected.run_state
    return reason


EXAMPLES = dags(tasks_max=8).flatmap(
    lambda dag: st.tuples(
        st.just(dag), st.tuples(*(ends_of(dag, task) for task in dag.tasks)), st.integers(0, 2**16)
    )
)


def test_runs_end_as_interpreted_in_whatever_order_tasks_end():
    sometimes = Sometimes()

    # Always the same examples: which rare paths are reached must not be a matter of luck.
    @settings(max_examples=600, derandomize=True, database=None)
    @given(EXAMPLES)
    def property_holds(example):
        sometimes.note(ends_as_interpreted(*example) == "all_tasks_deadlocked", "deadlock")

    property_holds()
    sometimes.check("deadlock")


def test_decision_that_ignores_an_upstream_is_noticed():
    @settings(phases=[Phase.generate], database=None)
    @given(EXAMPLES)
    def property_holds(example):
        ends_as_interpreted(*example, decided_on=without_an_edge(example[0]))

    with pytest.raises(AssertionError):
        property_holds()


#: A setup, two tasks after it, a join that does not wait for both, and a teardown.
SCOPED = make_dag(
    {"s": [], "a": ["s"], "b": ["s"], "c": ["a", "b"], "t": ["s", "c"]},
    tasks={
        "s": {"is_setup": True},
        "a": {"may_skip": SkipReach.DIRECT},
        "c": {"trigger_rule": TriggerRule.ONE_DONE},
        "t": {"is_teardown": True, "trigger_rule": TriggerRule.ALL_DONE_SETUP_SUCCESS},
    },
)
GOOD, BAD = (SUCCESS, NO_EFFECTS), (FAILED, NO_EFFECTS)
SKIPS_C = (SUCCESS, TryEffects(("c",)))
EXEMPLARY_ENDS = [[GOOD, GOOD, BAD, GOOD, GOOD], [BAD] + [GOOD] * 4, [GOOD, SKIPS_C, GOOD, GOOD, GOOD]]


@pytest.mark.parametrize("look", Look)
def test_decision_that_does_not_look_at_others_is_noticed(look):
    for decided_on, noticed in (
        (SCOPED, does_not_raise()),
        (without_looks(SCOPED, look), pytest.raises(AssertionError)),
    ):
        with noticed:
            for ends, seed in product(EXEMPLARY_ENDS, range(20)):
                ends_as_interpreted(SCOPED, ends, seed, decided_on=decided_on)


def create_runs(hours, *, remembers=True):
    """Ask for due runs at these hours; the logical dates of all that were due."""
    dates, last = [], None
    for hour in hours:
        due = due_dag_runs(
            HOURLY,
            TimeRestriction(earliest=EPOCH, catchup=True),
            last_interval=last if remembers else None,
            now=EPOCH + timedelta(hours=hour),
            limit=5,
        )
        last = due.last_interval
        dates += [run.logical_date for run in due.runs]
    return dates


# The clock may jump back, too.
@given(st.lists(st.integers(0, 48), max_size=10))
def test_no_logical_date_is_due_twice(hours):
    dates = create_runs(hours)
    assert len(set(dates)) == len(dates)


def test_schedule_that_forgets_what_it_covered_is_noticed():
    dates = create_runs([1, 2], remembers=False)
    assert len(set(dates)) < len(dates)

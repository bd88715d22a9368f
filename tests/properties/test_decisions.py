"""I1, I4, I6 and I13 over the pure decisions: no database, no time but what is handed in."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowcore.domain.states import TaskInstanceState
from flowcore.domain.timetables.base import TimeRestriction
from flowcore.domain.timetables.delta import DeltaDataIntervalTimetable
from flowcore.scheduler.decisions.create_dag_runs import due_dag_runs
from flowcore.scheduler.decisions.run_progress import RunProgress
from flowcore.testing import Sometimes, interpret
from flowcore.testing.clock import EPOCH
from flowcore.testing.strategies import dags
from tests.properties.planted import without_an_edge

ENDS = st.sampled_from(["success", "failed", "skipped", "removed"]).map(TaskInstanceState)
HOURLY = DeltaDataIntervalTimetable(timedelta(hours=1))


def carry_out(dag, ends, seed):
    """Let the tasks of a run end in some order; the final states, the run's state and its reason."""
    order, progress = random.Random(seed), RunProgress(dag)
    states: dict[int, TaskInstanceState | None] = dict.fromkeys(range(len(dag.tasks)))
    changes = progress.settle_all()
    while True:
        states.update(changes.states)
        running = [p for p, state in states.items() if state is TaskInstanceState.SCHEDULED]
        if not running:
            return states, changes.run_state, changes.reason
        ended = order.choice(running)
        states[ended] = ends[ended]
        if order.random() < 0.3:  # as after a restart: from the rows, not from memory
            progress = RunProgress.of(dag, states.items(), revision=0)
            changes = progress.settle_all()
        else:
            changes = progress.settle([(ended, ends[ended])])


def ends_as_interpreted(dag, ends, seed, *, decided_on=None):
    states, run_state, reason = carry_out(decided_on or dag, ends, seed)
    expected = interpret(dag, lambda task: ends[task.position])
    assert states == expected.states
    assert run_state is expected.run_state
    return reason


EXAMPLES = st.tuples(dags(), st.lists(ENDS, min_size=6, max_size=6), st.integers(0, 2**16))


def test_runs_end_as_interpreted_in_whatever_order_tasks_end():
    sometimes = Sometimes()

    # Always the same examples: which rare paths are reached must not be a matter of luck.
    @settings(max_examples=300, derandomize=True, database=None)
    @given(EXAMPLES)
    def property_holds(example):
        sometimes.note(ends_as_interpreted(*example) == "all_tasks_deadlocked", "deadlock")

    property_holds()
    sometimes.check("deadlock")


def test_decision_that_ignores_an_upstream_is_noticed():
    @given(EXAMPLES)
    def property_holds(example):
        ends_as_interpreted(*example, decided_on=without_an_edge(example[0]))

    with pytest.raises(AssertionError):
        property_holds()


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

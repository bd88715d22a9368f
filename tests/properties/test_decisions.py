"""I1, I4, I6 and I13 over the pure decisions: no database, no time but what is handed in."""

from __future__ import annotations

import random
from contextlib import nullcontext as does_not_raise
from datetime import timedelta
from itertools import product

import attrs
import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from flowcore.domain.dependencies import Look
from flowcore.domain.skips import SkipReach
from flowcore.domain.states import FINISHED, DagRunState, TaskInstanceState
from flowcore.domain.task_mapping import Length, LengthKind
from flowcore.domain.timetables.base import TimeRestriction
from flowcore.domain.timetables.delta import DeltaDataIntervalTimetable
from flowcore.domain.trigger_rules import TriggerRule
from flowcore.domain.verdicts import Verdict
from flowcore.domain.workloads import NO_EFFECTS, TryEffects
from flowcore.scheduler.decisions.create_dag_runs import due_dag_runs
from flowcore.scheduler.decisions.run_changes import Instance, Key
from flowcore.scheduler.decisions.run_progress import RunProgress
from flowcore.testing import Sometimes, interpret
from flowcore.testing.clock import EPOCH
from flowcore.testing.oracle import Record, has_failure, stopped_in, verdict_of, waits_for_past
from flowcore.testing.strategies import dags, effects
from tests.properties.planted import without_an_edge, without_looks
from tests.support.scheduling import make_dag

SUCCESS, FAILED = TaskInstanceState.SUCCESS, TaskInstanceState.FAILED
SKIPPED = TaskInstanceState.SKIPPED
HOURLY = DeltaDataIntervalTimetable(timedelta(hours=1))


MEANING = {
    TaskInstanceState.SCHEDULED: Verdict.RUN,
    TaskInstanceState.SKIPPED: Verdict.SKIP,
    TaskInstanceState.UPSTREAM_FAILED: Verdict.UPSTREAM_FAIL,
    TaskInstanceState.REMOVED: Verdict.REMOVE,
}


def check_changes(record, changes, past):
    """I4: the interpreter would decide the same of what has ended."""
    dag, states = record.dag, record.states
    for (position, index), state in changes.items():
        task = dag.tasks[position]
        before = attrs.evolve(record, states={**states, (position, index): None})
        assert verdict_of(before, task, index) is MEANING[state]
        assert not waits_for_past(dag, task, MEANING[state], past)
        assert task.is_teardown or not (dag.fail_fast and has_failure(dag, states))


def let_by(dag, positions, past):
    """Those of the held tasks that the run before lets."""
    return {p for p in positions if not waits_for_past(dag, dag.tasks[p], Verdict.RUN, past)}


def unstopped(dag, states):
    """What a run that fails fast skips."""
    unfinished = (key for key, state in states.items() if state not in FINISHED)
    return [key for key in unfinished if not dag.tasks[key[0]].is_teardown]


def ends_of(dag, task):
    """How a task may end, and what it then says about others."""
    ends = st.sampled_from(["success", "failed", "skipped", "removed"]).map(TaskInstanceState)
    good = effects(dag, task).map(lambda drawn: (SUCCESS, drawn))
    return good | ends.map(lambda state: (state, NO_EFFECTS))


def carry_out(dag, ends, past, seed, *, decided_on):
    """Let the tasks of a run end in some order; the final states, the run's state and its reason."""
    order, progress = random.Random(seed), RunProgress(decided_on)
    said: dict[Key, TryEffects] = {}
    changes = progress.settle_all()
    while True:
        while let := let_by(dag, progress.held, past):
            changes = changes.then(progress.admit(let))
        states = dict(progress.states())
        assert changes.states.items() <= states.items()
        check_changes(Record(dag, states, said), changes.states, past)
        if changes.stops and (skipped := unstopped(dag, states)):
            changes = progress.settle(Instance(*key, SKIPPED) for key in skipped)
            continue
        running = [key for key, state in states.items() if state is TaskInstanceState.SCHEDULED]
        if not running:
            return states, changes.run_state, changes.reason
        ended = order.choice(running)
        states[ended], effects = end_at(ends, ended)
        if states[ended] is SUCCESS:
            said[ended] = effects
        if order.random() < 0.3:  # as after a restart: from the rows, not from memory
            rows = [Instance(*key, state, said.get(key, NO_EFFECTS)) for key, state in states.items()]
            progress = RunProgress.of(decided_on, rows, revision=0)
            changes = progress.settle_all()
        else:
            changes = progress.settle([Instance(*ended, states[ended], effects)])


def end_at(ends, key):
    """How an instance ends; those of odd indexes as the task whose turn it is after theirs."""
    position, index = key
    return ends[position] if index % 2 == 0 or index < 0 else (ends[position - 1][0], ends[position][1])


def ends_as_interpreted(dag, ends, past, seed, *, decided_on=None):
    states, run_state, reason = carry_out(dag, ends, past, seed, decided_on=decided_on or dag)
    expected = interpret(
        dag,
        lambda task, index: end_at(ends, (task.position, index)),
        past=past,
        stopped=stopped_in(dag, states),
    )
    assert states == expected.states
    assert (run_state or DagRunState.RUNNING) is expected.run_state
    if run_state is None:
        return "held"
    return "stopped" if stopped_in(dag, states) else reason


def pasts(dag):
    """The states in which the run before may be; mostly good."""
    states = st.sampled_from([SUCCESS, SUCCESS, SKIPPED, FAILED, None])
    keys = [(task.position, -1) for task in dag.tasks]
    return st.none() | st.fixed_dictionaries(dict.fromkeys(keys, states))


EXAMPLES = dags(tasks_max=8, looks_back=True).flatmap(
    lambda dag: st.tuples(
        st.just(dag),
        st.tuples(*(ends_of(dag, task) for task in dag.tasks)),
        pasts(dag),
        st.integers(0, 2**16),
    )
)


def note_mappings(sometimes, dag, ends):
    states = interpret(dag, lambda task, index: end_at(ends, (task.position, index))).states
    mapped = {key: state for key, state in states.items() if dag.tasks[key[0]].mapping is not None}
    by_source = [key for key in mapped if dag.tasks[key[0]].upstream]
    sometimes.note(any(index > 0 for _, index in by_source), "expanded")
    is_empty = any(index < 0 and mapped[position, index] is SKIPPED for position, index in by_source)
    sometimes.note(is_empty, "mapped over nothing")
    sometimes.note(any(len(together) > 1 for together in dag.mapped_together), "mapped together")


#: A rule that cannot hold any more, which hardly ever comes about by chance.
DEADLOCK = (
    make_dag({"a": [], "b": ["a"]}, tasks={"b": {"trigger_rule": TriggerRule.ALL_SKIPPED}}),
    [(TaskInstanceState.REMOVED, NO_EFFECTS)] * 2,
    None,
    0,
)


def test_runs_end_as_interpreted_in_whatever_order_tasks_end():
    sometimes = Sometimes()

    # Always the same examples: which rare paths are reached must not be a matter of luck.
    @settings(max_examples=300, derandomize=True, database=None)
    @given(EXAMPLES)
    @example(DEADLOCK)
    def property_holds(drawn):
        reason = ends_as_interpreted(*drawn)
        sometimes.note(reason == "all_tasks_deadlocked", "deadlock")
        sometimes.note(reason == "held", "held")
        sometimes.note(reason == "stopped", "stopped")
        note_mappings(sometimes, drawn[0], drawn[1])

    property_holds()
    sometimes.check("deadlock", "held", "stopped", "expanded", "mapped over nothing", "mapped together")


def test_decision_that_ignores_an_upstream_is_noticed():
    @settings(phases=[Phase.generate], database=None)
    @given(EXAMPLES)
    def property_holds(drawn):
        ends_as_interpreted(*drawn, decided_on=without_an_edge(drawn[0]))

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


#: A task that is mapped over s, and whose rule does not wait for it.
MAPPED = attrs.evolve(
    make_dag(
        {"s": [], "a": [], "m": ["s", "a"], "j": ["m"]},
        tasks={"m": {"mapping": 0, "trigger_rule": TriggerRule.ONE_SUCCESS}},
    ),
    mappings=(Length(LengthKind.OUTPUT, source=0),),
)
PUSHES_TWO = (SUCCESS, TryEffects(length=2))


@pytest.mark.parametrize("look", Look)
def test_decision_that_does_not_look_at_others_is_noticed(look):
    dag, exemplary_ends = SCOPED, EXEMPLARY_ENDS
    if look is Look.SOURCE:
        dag, exemplary_ends = MAPPED, [[PUSHES_TWO, GOOD, GOOD, GOOD]]
    for decided_on, noticed in (
        (dag, does_not_raise()),
        (without_looks(dag, look), pytest.raises(AssertionError)),
    ):
        with noticed:
            for ends, seed in product(exemplary_ends, range(20)):
                ends_as_interpreted(dag, ends, None, seed, decided_on=decided_on)


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

"""I13 after a change by hand: what was cleared runs anew, what has ended stays, and the rest follows."""

from __future__ import annotations

import random
from functools import partial

import anyio
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, note, seed, settings
from hypothesis import strategies as st

from flowcore.database.queries.clearing import clear_task_instances
from flowcore.database.tables import task_instance
from flowcore.domain.selections import RunSelection, TaskSelection
from flowcore.domain.states import FINISHED_RUN, DagRunState
from flowcore.domain.workloads import TryOutcome
from flowcore.testing import Script, ScriptedEnd, SimulationSettings, Sometimes, interpret, open_simulation
from flowcore.testing.changes import draw_change_of_run
from flowcore.testing.descriptions import describe
from flowcore.testing.oracle import scripted_end, stopped_in
from flowcore.testing.strategies import loads
from tests.properties.examples import chain_of, dag_of, load_of

CALM = SimulationSettings(losses_max=0, database_faults_max=0)
SEEDS = st.integers(0, 2**32 - 1)
pytestmark = pytest.mark.timeout(600)


def read_tries(connection: sa.Connection) -> dict[tuple[int, int, int], int]:
    """By run, position and map index which try is the last that is allowed."""
    t = task_instance.c
    rows = connection.execute(sa.select(t.dag_run_id, t.position, t.map_index, t.max_tries))
    return {(run, position, index): max_tries for run, position, index, max_tries in rows}


def forget_tries(connection: sa.Connection) -> dict[tuple[int, int, int], int]:
    """A planted fault: the script is read from its beginning once more."""
    return {}


def drawn_change(order: int, seen, dags):
    """A change of one of the runs that have ended."""
    draw = random.Random(order).randrange
    ended = [run for run in seen.runs.values() if run.is_finished]
    chosen = ended[draw(len(ended))] if ended else None
    return chosen and draw_change_of_run(draw, chosen, dags[chosen.dag_id], seen.at)


async def change_and_settle(load, choose_change, sometimes, *, tries=read_tries):
    """Change an ended run, let everything end again, and compare each run with the interpreter."""
    async with open_simulation(load, CALM) as simulation:
        cluster = simulation.cluster
        await simulation.settle()
        before = cluster.watch.seen
        change = choose_change(before, load.dags_by_id)
        if change is None:
            return
        await cluster.database.run(change)
        await cluster.look(by_hand=True)
        changed, last_tries = cluster.watch.seen, await cluster.database.read(tries)
        await simulation.settle()
        for run_id, was in before.runs.items():
            run, now = changed.runs[run_id], cluster.watch.seen.runs[run_id]
            if now.state is DagRunState.QUEUED:
                continue  # kept out by a run that waits for the one before it, for ever
            if was.is_finished and run.state not in FINISHED_RUN:
                sometimes.note(True, "begun again")
                check_run_begun_again(cluster.watch.seen, changed, now, load, last_tries)
            elif run != was:
                sometimes.note(True, "marked")
                assert cluster.watch.seen.states_by_run[run_id] == changed.states_by_run[run_id]
                assert now.state is run.state


def check_run_begun_again(seen, changed, run, load, last_tries):
    dag, found = load.dags_by_id[run.dag_id], seen.states_by_run[run.id]

    def end_of(task, index):
        first_try = last_tries.get((run.id, task.position, index), task.retries) - task.retries + 1
        return scripted_end(task, index, load.script, first_try=first_try)

    said = changed.said_by_run[run.id]
    begun = {key: (state, said.get(key)) for key, state in changed.states_by_run[run.id].items()}
    past, stopped = seen.past_of(run, dag), stopped_in(dag, found)
    expected = interpret(dag, end_of, past=past, stopped=stopped, begun=begun)
    assert found == expected.states, f"{run} began again with {begun}"
    assert run.state is expected.run_state


def check_drawn_changes(number: int, backend: str, examples: int) -> None:
    sometimes = Sometimes()

    @seed(number)
    @settings(
        max_examples=examples,
        database=None,
        suppress_health_check=[*HealthCheck],
        phases=[Phase.generate],
    )
    @given(loads(dags_max=1, tasks_max=5, requests_max=2, fatal=False), SEEDS)
    def property_holds(load, order):
        note(describe(load))
        anyio.run(partial(change_and_settle, load, partial(drawn_change, order), sometimes), backend=backend)

    property_holds()
    sometimes.check("begun again", "marked")


@pytest.mark.slow
@pytest.mark.parametrize(("number", "backend"), [(1, "asyncio"), (2, "trio")])
def test_a_run_that_was_changed_ends_as_interpreted_from_there(number, backend):
    check_drawn_changes(number, backend, examples=12)


@pytest.mark.soak
@pytest.mark.parametrize(("number", "backend"), [(101, "asyncio"), (102, "trio")])
def test_many_runs_that_were_changed_end_as_interpreted_from_there(number, backend):
    check_drawn_changes(number, backend, examples=500)


FAILS_ONCE = load_of(
    dag_of(*chain_of("first", "second")), script=Script({("first", 1): ScriptedEnd(TryOutcome.FAILED)})
)


def clear_all(_seen, _dags):
    return partial(clear_task_instances, runs=RunSelection(dag_id="dag"), tasks=TaskSelection(), now=_seen.at)


async def test_tries_go_on_where_they_ended_before_the_change():
    await change_and_settle(FAILS_ONCE, clear_all, Sometimes())
    with pytest.raises(AssertionError, match="began again with"):
        await change_and_settle(FAILS_ONCE, clear_all, Sometimes(), tries=forget_tries)

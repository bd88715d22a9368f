"""Each invariant's property fails when the fault it is about is planted, and only then."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import attrs
import pytest

from flowcore.database.queries.clearing import clear_task_instances
from flowcore.domain.dags import Task
from flowcore.domain.selections import RunSelection, TaskSelection
from flowcore.domain.task_mapping import Length, LengthKind
from flowcore.domain.timetables.delta import DeltaDataIntervalTimetable
from flowcore.domain.workloads import TryOutcome
from flowcore.scheduler.wake_graph import RoutineName
from flowcore.testing import RunRequest, SimulationSettings, Sometimes, open_simulation
from flowcore.testing.clock import EPOCH
from flowcore.testing.scripts import Script, ScriptedEnd
from flowcore.testing.simulated_scheduler import LEASE_S
from tests.properties import planted
from tests.properties.examples import YESTERDAY, chain_of, dag_of, independent_tasks, load_of, simulate


def settings_with(store):
    return SimulationSettings(make_store=partial(store, alone=False), losses_max=0, database_faults_max=0)


CROWD = load_of(dag_of(*independent_tasks(3, pool="narrow")), runs=3, pools={"narrow": 1})
UNEQUAL = load_of(
    dag_of(*[Task(task_id=f"task{n}", position=n, pool="narrow", priority_weight=n + 1) for n in range(3)]),
    pools={"narrow": 1},
)
EVERY = timedelta(seconds=20)
SCHEDULED = load_of(
    dag_of(
        *independent_tasks(1),
        timetable=DeltaDataIntervalTimetable(EVERY).serialize(),
        start_date=EPOCH,
        end_date=EPOCH + 2 * EVERY,
        catchup=True,
    ),
    runs=0,
)
CHAIN = load_of(dag_of(*chain_of("first", "second")))
TWICE = attrs.evolve(CHAIN, requests=(RunRequest("dag", YESTERDAY),) * 2)
ITEMS = load_of(
    dag_of(
        Task(task_id="each", position=0, pool="narrow", mapping=0), mappings=(Length(LengthKind.LITERAL, 3),)
    ),
    pools={"narrow": 1},
)
ONE_RUN_AT_A_TIME = load_of(dag_of(*independent_tasks(1), max_active_runs=1), runs=2)


def test_one_run_per_logical_date_is_missed_without_the_constraint():
    assert simulate(TWICE, seed=0, steps=0)
    with pytest.raises(AssertionError, match="2 runs of"):
        simulate(TWICE, 0, 0, SimulationSettings(set_up=planted.store_without_uniqueness))


def test_pool_overflows_when_the_store_forgets_pools():
    assert simulate(CROWD, seed=0, steps=0)
    with pytest.raises(AssertionError, match="slots of pool narrow"):
        simulate(CROWD, 0, 0, settings_with(planted.ForgetsPools))


def test_somebody_starves_when_the_store_overlooks_him():
    assert simulate(CROWD, seed=0, steps=0)
    with pytest.raises(AssertionError, match="these could start"):
        simulate(CROWD, 0, 0, settings_with(planted.OverlooksTheLast))


def test_priorities_that_are_upside_down_are_noticed():
    assert simulate(UNEQUAL, seed=0, steps=0)
    with pytest.raises(AssertionError, match="which is heavier"):
        simulate(UNEQUAL, 0, 0, settings_with(planted.TakesTheLightestFirst))


def test_date_that_is_missed_is_noticed():
    assert simulate(SCHEDULED, seed=0, steps=0)
    with pytest.raises(AssertionError, match="were never created"):
        simulate(SCHEDULED, 0, 0, settings_with(planted.MissesADate))


def test_too_many_runs_run_when_the_store_forgets_max_active_runs():
    assert simulate(ONE_RUN_AT_A_TIME, seed=0, steps=0)
    with pytest.raises(AssertionError, match="max_active_runs"):
        simulate(ONE_RUN_AT_A_TIME, 0, 0, settings_with(planted.ForgetsRunLimits))


def test_task_starts_too_early_when_an_upstream_is_ignored():
    with pytest.raises(AssertionError, match="became scheduled, but all_success says wait"):
        simulate(CHAIN, 0, 0, SimulationSettings(set_up=planted.store_with_an_edge_missing))


def test_lease_is_left_by_a_stop_that_forgets_it():
    with pytest.raises(AssertionError, match="was not released"):
        simulate(CHAIN, 0, 0, settings_with(planted.KeepsItsLease))


async def lose_a_try_and_report_it(settings=None):
    """Freeze the process that runs a try until another has taken the try over, then let it report."""
    sometimes = Sometimes()
    async with open_simulation(CHAIN, settings, sometimes=sometimes) as simulation:
        frozen, other = simulation.cluster.schedulers
        await simulation.request()
        await simulation.cluster.step(frozen, RoutineName.START_DAG_RUNS)
        await simulation.cluster.step(frozen, RoutineName.ENQUEUE_TASK_INSTANCES)
        frozen.is_frozen = True
        await simulation.cluster.pass_time(LEASE_S + 1)
        await simulation.cluster.step(other, RoutineName.RECOVER_TASK_INSTANCES)
        await simulation.cluster.step(other, RoutineName.ENQUEUE_TASK_INSTANCES)
        await simulation.thaw(frozen)
        await simulation.settle()
    return sometimes


async def test_late_report_is_refused():
    sometimes = await lose_a_try_and_report_it()
    sometimes.check("lost try", "refused report", "lease taken over")


async def test_late_report_that_is_accepted_is_noticed():
    with pytest.raises(AssertionError, match=r"the late report of .* was accepted"):
        await lose_a_try_and_report_it(settings_with(planted.AcceptsLateReports))


async def lose_the_second_of_three_items(settings=None):
    """Kill a process when one item of a mapped task is done and another one is not; what became of all."""
    async with open_simulation(ITEMS, settings) as simulation:
        working, other = simulation.cluster.schedulers
        await simulation.request()
        await simulation.cluster.step(working, RoutineName.START_DAG_RUNS)
        await simulation.cluster.step(working, RoutineName.ENQUEUE_TASK_INSTANCES)
        await simulation.cluster.pass_time(2.0)
        await simulation.cluster.step(working, RoutineName.APPLY_EXECUTOR_EVENTS)
        await simulation.cluster.step(working, RoutineName.ENQUEUE_TASK_INSTANCES)
        await simulation.cluster.replace(working)
        await simulation.cluster.pass_time(LEASE_S + 1)
        await simulation.cluster.step(other, RoutineName.RECOVER_TASK_INSTANCES)
        await simulation.settle()
        return simulation.cluster.watch.seen.task_instances.values()


async def test_items_that_were_done_before_a_crash_are_not_done_again():
    items = await lose_the_second_of_three_items()
    # A token counts claims, and once more what was lost.
    assert [(item.state, item.token) for item in items] == [("success", 1), ("success", 3), ("success", 1)]


async def test_items_that_are_done_again_are_noticed():
    with pytest.raises(AssertionError, match="is to be worked on again"):
        await lose_the_second_of_three_items(settings_with(planted.ForgetsWhatWasDone))


async def clear_a_try_that_runs(settings=None):
    """Clear a task while a process runs it and another one is there to take it up again."""
    sometimes = Sometimes()
    async with open_simulation(CHAIN, settings, sometimes=sometimes) as simulation:
        runs_it, other = simulation.cluster.schedulers
        await simulation.request()
        await simulation.cluster.step(runs_it, RoutineName.START_DAG_RUNS)
        await simulation.cluster.step(runs_it, RoutineName.ENQUEUE_TASK_INSTANCES)
        clear = partial(clear_task_instances, runs=RunSelection(dag_id="dag"), tasks=TaskSelection())
        await simulation.cluster.database.run(clear, now=simulation.cluster.clock.now())
        await simulation.cluster.look(by_hand=True)
        await simulation.cluster.step(other, RoutineName.SCHEDULE_TASK_INSTANCES)
        await simulation.cluster.step(other, RoutineName.ENQUEUE_TASK_INSTANCES)
        await simulation.settle()
    return sometimes


async def test_cleared_try_stops_before_the_next_one_begins():
    (await clear_a_try_that_runs()).check("cleared while it ran", "revoked try stopped")


async def test_next_try_beside_a_cleared_one_is_noticed():
    with pytest.raises(AssertionError, match="2 live lease holders of task instance"):
        await clear_a_try_that_runs(settings_with(planted.ForgetsWhoIsAlive))


async def test_runs_are_not_confluent_when_losses_are_blamed_on_tasks():
    with pytest.raises(AssertionError, match="ended as"):
        await lose_a_try_and_report_it(settings_with(planted.BlamesTasksForLosses))


def test_callbacks_are_lost_when_a_claim_counts_as_a_call():
    load = load_of(dag_of(*independent_tasks(1), has_success_callbacks=True))
    assert simulate(load, seed=0, steps=0)
    with pytest.raises(AssertionError, match="said to be called and were not"):
        simulate(load, 0, 0, settings_with(planted.LosesCalls))


def test_the_wrong_callbacks_are_called_when_ends_are_confused():
    fails = Script({("task0", 1): ScriptedEnd(TryOutcome.FAILED)})
    load = load_of(dag_of(*independent_tasks(1), has_failure_callbacks=True), script=fails)
    assert simulate(load, seed=0, steps=0)
    with pytest.raises(AssertionError, match="said to be called and were not"):
        simulate(load, 0, 0, settings_with(planted.TellsTheWrongCallbacks))

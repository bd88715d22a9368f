"""Races that other systems really had, replayed; `docs/explanation/testing.md` lists all with their tests."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from flowcore.domain.states import TaskInstanceState
from flowcore.scheduler.wake_graph import RoutineName
from flowcore.testing import Simulation, SimulationSettings, open_simulation
from flowcore.testing.faulty_database import DatabaseFault
from flowcore.testing.simulated_scheduler import LEASE_S
from tests.properties.examples import dag_of, independent_tasks, load_of

ROOT = Path(__file__).parents[2]
CATALOGUE = ROOT / "docs" / "explanation" / "testing.md"
ENQUEUE, APPLY, RECOVER = (
    RoutineName.ENQUEUE_TASK_INSTANCES,
    RoutineName.APPLY_EXECUTOR_EVENTS,
    RoutineName.RECOVER_TASK_INSTANCES,
)
#: Two tasks for the only slot of a pool: whoever keeps it for nothing wedges everything.
ONE_SLOT = load_of(dag_of(*independent_tasks(2, pool="narrow")), pools={"narrow": 1})
FAULTS = pytest.mark.parametrize("fault", list(DatabaseFault))


@asynccontextmanager
async def racing() -> AsyncIterator[Simulation]:
    """Three schedulers and a run that has started; in the end all of it has to be over, and nothing left."""
    async with open_simulation(ONE_SLOT, SimulationSettings(schedulers=3)) as simulation:
        await simulation.request()
        await simulation.cluster.step(simulation.cluster.schedulers[0], RoutineName.START_DAG_RUNS)
        yield simulation
        await simulation.settle()
        await simulation.stop()


async def fail(simulation: Simulation, number: int, routine: RoutineName, fault: DatabaseFault) -> None:
    """Let a step of a scheduler fail."""
    scheduler = simulation.cluster.schedulers[number]
    scheduler.database.fault = fault
    await simulation.cluster.step(scheduler, routine)
    scheduler.database.fault = None


@FAULTS
async def test_a_crash_between_claim_and_submission_does_not_wedge_the_only_slot(
    fault: DatabaseFault,
) -> None:
    async with racing() as simulation:
        await fail(simulation, 0, ENQUEUE, fault)
        await simulation.cluster.replace(simulation.cluster.schedulers[0])


@FAULTS
async def test_an_end_whose_writing_failed_is_written_once(fault: DatabaseFault) -> None:
    async with racing() as simulation:
        runner = simulation.cluster.schedulers[0]
        await simulation.cluster.step(runner, ENQUEUE)
        await simulation.cluster.pass_time(2.0)
        await fail(simulation, 0, APPLY, fault)


@FAULTS
async def test_an_error_inside_recovery_strands_nothing(fault: DatabaseFault) -> None:
    async with racing() as simulation:
        await simulation.cluster.step(simulation.cluster.schedulers[0], ENQUEUE)
        await simulation.cluster.replace(simulation.cluster.schedulers[0])
        await simulation.cluster.pass_time(LEASE_S + 1)
        await fail(simulation, 1, RECOVER, fault)
        assert await simulation.cluster.step(simulation.cluster.schedulers[2], RECOVER) is not None


async def test_two_recoverers_give_a_lost_try_back_once() -> None:
    async with racing() as simulation:
        await simulation.cluster.step(simulation.cluster.schedulers[0], ENQUEUE)
        await simulation.cluster.replace(simulation.cluster.schedulers[0])
        await simulation.cluster.pass_time(LEASE_S + 1)
        first, second, _ = simulation.cluster.schedulers
        await simulation.cluster.step(first, RECOVER)
        await simulation.cluster.step(first, ENQUEUE)
        again = simulation.cluster.watch.seen
        assert len(again.active) == 1
        await simulation.cluster.step(second, RECOVER)
        assert simulation.cluster.watch.seen.task_instances == again.task_instances


async def test_a_stop_leaves_nothing_acquired() -> None:
    async with racing() as simulation:
        stopping = simulation.cluster.schedulers[0]
        await simulation.cluster.step(stopping, ENQUEUE)
        await simulation.cluster.restart(stopping)
        # Nor does it take again what it has given back: its place is free for another one.
        assert simulation.cluster.watch.seen.active == []
        await simulation.cluster.step(simulation.cluster.schedulers[0], ENQUEUE)
        assert len(simulation.cluster.watch.seen.active) == 1


async def test_a_try_that_finished_before_its_process_died_stays_finished() -> None:
    async with racing() as simulation:
        runner = simulation.cluster.schedulers[0]
        await simulation.cluster.step(runner, ENQUEUE)
        await simulation.cluster.pass_time(2.0)
        await simulation.cluster.step(runner, APPLY)
        [ended] = [row for row in simulation.cluster.watch.seen.task_instances.values() if row.token]
        await simulation.cluster.replace(runner)
        await simulation.cluster.pass_time(LEASE_S + 1)
        await simulation.cluster.step(simulation.cluster.schedulers[1], RECOVER)
        now = simulation.cluster.watch.seen.task_instances[ended.id]
        assert (now, now.state) == (ended, TaskInstanceState.SUCCESS)


def test_each_race_of_the_catalogue_has_a_test_that_exists() -> None:
    races = re.findall(
        r"^\| [^|]+ \| `(tests/[^`]+\.py)::(test_\w+)` \|$", CATALOGUE.read_text(), re.MULTILINE
    )
    missing = [f"{path}::{name}" for path, name in races if f"def {name}(" not in (ROOT / path).read_text()]
    assert (len(races) >= 20, missing) == (True, [])

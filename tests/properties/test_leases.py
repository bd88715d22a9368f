"""I5 and I6: what a process does that slept, or that never heard of its own commit; in directed steps."""

from __future__ import annotations

from flowcore.scheduler.wake_graph import RoutineName
from flowcore.testing import DatabaseFault, Script, ScriptedEnd, Simulation, open_simulation
from flowcore.testing.simulated_scheduler import LEASE_S
from tests.properties.examples import dag_of, independent_tasks, load_of

SLOW = Script({(f"task{n}", 1): ScriptedEnd(duration_s=100.0) for n in range(4)})
FOUR = load_of(dag_of(*independent_tasks(4)), script=SLOW)


async def start_four(simulation: Simulation, fault: DatabaseFault | None = None) -> None:
    """Let the first scheduler claim four tries, more than one batch."""
    first = simulation.cluster.schedulers[0]
    await simulation.request()
    await simulation.cluster.step(first, RoutineName.START_DAG_RUNS)
    first.database.fault = fault
    for _ in range(2):
        await simulation.cluster.step(first, RoutineName.ENQUEUE_TASK_INSTANCES)


async def test_lease_that_is_partly_recovered_cannot_be_renewed():
    async with open_simulation(FOUR) as simulation:
        sleeper, other = simulation.cluster.schedulers
        await start_four(simulation)
        sleeper.is_frozen = True
        await simulation.cluster.pass_time(LEASE_S + 1)
        await simulation.cluster.step(other, RoutineName.RECOVER_TASK_INSTANCES)
        await simulation.cluster.step(other, RoutineName.ENQUEUE_TASK_INSTANCES)
        await simulation.thaw(sleeper)
        await simulation.cluster.keep_lease(sleeper)
        await simulation.settle()
        simulation.cluster.watch.sometimes.check("lease taken over")


async def test_tries_claimed_by_a_commit_that_was_not_answered_run_in_the_end():
    async with open_simulation(FOUR) as simulation:
        await start_four(simulation, DatabaseFault.AFTER_COMMIT)
        await simulation.settle()

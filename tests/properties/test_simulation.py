"""I1 to I5, I7 to I10 and I13 over the real routines and queries, in 10^5 steps with faults."""

from __future__ import annotations

import pytest
from hypothesis import Phase, example, given, seed, settings
from hypothesis import strategies as st

from flowcore.domain.dags import Dag, Task
from flowcore.domain.retries import RetryRule
from flowcore.domain.trigger_rules import TriggerRule
from flowcore.domain.workloads import TryOutcome
from flowcore.testing import Load, RunRequest, Script, ScriptedEnd, SimulationSettings, Sometimes
from flowcore.testing.strategies import loads
from tests.properties.examples import YESTERDAY, dag_of, independent_tasks, load_of, simulate

#: Few but long examples, for so few might miss a rare path; each test has the same ones each time.
#: No shrinking, which would take minutes: a failure prints the seed that repeats it.
FEW = settings(max_examples=11, database=None, phases=[Phase.explicit, Phase.generate])
STEPS = 1_000
SEEDS = st.integers(0, 2**32 - 1)
THREE = SimulationSettings(schedulers=3)
#: More tries than a pool has slots, one that fails, and one that takes its process with it.
BUSY = load_of(
    dag_of(*independent_tasks(4, retries=1, retry_rule=RetryRule(5.0), pool="narrow"), max_active_runs=2),
    runs=3,
    script=Script(
        {
            ("task0", 1): ScriptedEnd(TryOutcome.FAILED, duration_s=20.0),
            ("task1", 1): ScriptedEnd(duration_s=20.0, fatal_tokens=1),
        }
    ),
    pools={"narrow": 2},
)
#: Two runs of one date, and a task that fails: what follows it is upstream_failed or skipped.
FAILING = Load(
    (
        dag_of(
            Task(task_id="fails", position=0, downstream=(1, 3)),
            Task(
                task_id="succeeds",
                position=1,
                upstream=(0,),
                trigger_rule=TriggerRule.ONE_FAILED,
                downstream=(2,),
            ),
            Task(task_id="skipped", position=2, upstream=(1,), trigger_rule=TriggerRule.ALL_FAILED),
            Task(task_id="upstream_failed", position=3, upstream=(0,)),
        ),
    ),
    (RunRequest("dag", YESTERDAY),) * 2,
    Script({("fails", 1): ScriptedEnd(TryOutcome.FAILED)}),
)
pytestmark = pytest.mark.timeout(600)
#: Paths that a simulation must have taken to have shown anything.
RARE_PATHS = (
    "retry",
    "skipped",
    "upstream failed",
    "full pool",
    "run waits",
    "run refused",
    "killed",
    "lost try",
    "lease taken over",
    "database fault",
)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "backend"), [(1, "asyncio"), (2, "trio"), (3, "asyncio"), (4, "asyncio")])
def test_invariants_hold_after_every_step_whatever_fails(number, backend, note_steps):
    sometimes, steps = Sometimes(), []

    @seed(number)
    @FEW
    @given(loads(), SEEDS)
    @example(BUSY, 3)
    @example(BUSY, 5)
    @example(FAILING, 1)
    def property_holds(load, order):
        steps.append(simulate(load, order, STEPS, THREE, sometimes=sometimes, backend=backend))

    property_holds()
    sometimes.check(*RARE_PATHS)
    note_steps(number, sum(steps))


@pytest.mark.slow
@pytest.mark.parametrize("number", [5, 6])
def test_runs_that_time_out_break_no_invariant(number, note_steps):
    steps = []

    @seed(number)
    @FEW
    @given(loads(timeouts=True), SEEDS)
    def property_holds(load, order):
        steps.append(simulate(load, order, STEPS, THREE))

    property_holds()
    note_steps(number, sum(steps))


@pytest.mark.slow
@pytest.mark.parametrize("number", [7, 8])
def test_changes_by_hand_break_no_invariant(number, note_steps):
    sometimes, steps = Sometimes(), []

    @seed(number)
    @FEW
    @given(loads(), SEEDS)
    def property_holds(load, order):
        changed = SimulationSettings(changes_max=80)
        steps.append(simulate(load, order, STEPS, changed, sometimes=sometimes))

    property_holds()
    sometimes.check("cleared while it ran", "marked while it ran", "begun again", "made up for")
    note_steps(number, sum(steps))


def test_try_that_kills_every_process_is_given_up():
    script = Script({("poison", 1): ScriptedEnd(fatal_tokens=1_000)})
    load = load_of(Dag(dag_id="dag", tasks=(Task(task_id="poison", position=0),)), script=script)
    # The script alone does not say so: to it the try succeeds once it is left alone.
    with pytest.raises(AssertionError, match="FAILED"):
        simulate(load, seed=0, steps=0)


@pytest.mark.soak
@pytest.mark.timeout(7_200)
@pytest.mark.parametrize("number", range(100, 110))
def test_long_simulation_breaks_no_invariant(number, note_steps):
    sometimes, steps = Sometimes(), []

    @seed(number)
    @settings(max_examples=100, database=None, phases=[Phase.explicit, Phase.generate])
    @given(loads(dags_max=3, tasks_max=10, requests_max=8, timeouts=True), SEEDS)
    def property_holds(load, order):
        faulty = SimulationSettings(schedulers=3, database_faults_max=20)
        steps.append(simulate(load, order, STEPS, faulty, sometimes=sometimes))

    property_holds()
    sometimes.check(*RARE_PATHS)
    note_steps(number, sum(steps))
    assert sum(steps) >= 100 * STEPS

"""I1 to I8, I10 and I13 over the real routines and queries, with three schedulers and faults."""

from __future__ import annotations

import time

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from flowcore.domain.dags import Dag, Task
from flowcore.domain.retries import RetryRule
from flowcore.domain.workloads import TryOutcome
from flowcore.testing import Script, ScriptedEnd, SimulationSettings, Sometimes
from flowcore.testing.strategies import loads
from tests.properties.examples import dag_of, independent_tasks, load_of, simulate

#: Few but long examples, the same each time, for so few might miss a rare path; the soak varies them.
#: No shrinking, which would take minutes: a failure prints the seed that repeats it.
FAST = settings(max_examples=12, derandomize=True, phases=[Phase.explicit, Phase.generate])
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
pytestmark = pytest.mark.timeout(300)
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
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_invariants_hold_after_every_step_whatever_fails(backend):
    sometimes, steps = Sometimes(), []

    @FAST
    @given(loads(), SEEDS)
    @example(BUSY, 3)
    @example(BUSY, 5)
    def property_holds(load, seed):
        steps.append(simulate(load, seed, 250, THREE, sometimes=sometimes, backend=backend))

    property_holds()
    sometimes.check(*RARE_PATHS)
    assert sum(steps) > 4_000


@pytest.mark.slow
@FAST
@given(loads(timeouts=True), SEEDS)
def test_runs_that_time_out_break_no_invariant(load, seed):
    assert simulate(load, seed, 150, THREE) >= 150


@pytest.mark.slow
def test_changes_by_hand_break_no_invariant():
    sometimes = Sometimes()

    @FAST
    @given(loads(), SEEDS)
    def property_holds(load, seed):
        changed = SimulationSettings(changes_max=20)
        assert simulate(load, seed, 250, changed, sometimes=sometimes) >= 250

    property_holds()
    sometimes.check("cleared while it ran", "marked while it ran", "begun again", "made up for")


def test_try_that_kills_every_process_is_given_up():
    script = Script({("poison", 1): ScriptedEnd(fatal_tokens=1_000)})
    load = load_of(Dag(dag_id="dag", tasks=(Task(task_id="poison", position=0),)), script=script)
    # The script alone does not say so: to it the try succeeds once it is left alone.
    with pytest.raises(AssertionError, match="FAILED"):
        simulate(load, seed=0, steps=0)


@pytest.mark.soak
@pytest.mark.timeout(3_600)
def test_long_simulation_breaks_no_invariant(capsys):
    sometimes, began, steps = Sometimes(), time.monotonic(), []

    @settings(max_examples=1_000, phases=[Phase.explicit, Phase.generate])
    @given(loads(dags_max=3, tasks_max=10, requests_max=8, timeouts=True), SEEDS)
    def property_holds(load, seed):
        faulty = SimulationSettings(schedulers=3, database_faults_max=20)
        steps.append(simulate(load, seed, 1_000, faulty, sometimes=sometimes))

    property_holds()
    sometimes.check(*RARE_PATHS)
    with capsys.disabled():
        print(f"\n{sum(steps) / (time.monotonic() - began):.0f} steps/s: {dict(sometimes.counts)}")

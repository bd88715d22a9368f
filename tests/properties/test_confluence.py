"""I13: under one to three schedulers, on both databases and both event loops, a run ends as interpreted."""

from __future__ import annotations

from functools import partial
from itertools import count

import anyio
import attrs
import pytest
from hypothesis import HealthCheck, Phase, given, note, seed, settings
from hypothesis import strategies as st

from flowcore.domain.workloads import TryOutcome
from flowcore.testing import Load, Script, ScriptedEnd, SimulationSettings, Snapshot, invariants
from flowcore.testing.descriptions import describe
from flowcore.testing.strategies import loads
from tests.properties.examples import chain_of, dag_of, load_of, simulate
from tests.properties.planted import without_an_edge
from tests.properties.real_schedulers import carry_out

pytestmark = pytest.mark.timeout(600)
#: SQLite is for one scheduler.
PLACES = [
    pytest.param("sqlite", 1, id="sqlite-1"),
    *(pytest.param("postgres", n, id=f"postgres-{n}", marks=pytest.mark.postgres) for n in (1, 2, 3)),
]
_numbers = count()


@pytest.fixture
def url(request, database, tmp_path):
    return (
        f"sqlite:///{tmp_path / 'flow.db'}"
        if database == "sqlite"
        else request.getfixturevalue("scene_postgres")
    )


def renamed(load: Load) -> Load:
    """The same load, whose Dags nobody else on the database has."""
    names = {dag.dag_id: f"{dag.dag_id}_{next(_numbers)}" for dag in load.dags}
    return attrs.evolve(
        load,
        dags=tuple(attrs.evolve(dag, dag_id=names[dag.dag_id]) for dag in load.dags),
        requests=tuple(attrs.evolve(asked, dag_id=names[asked.dag_id]) for asked in load.requests),
    )


def _seed_of(backend: str, schedulers: int) -> int:
    """Other examples for each, and the same ones each time."""
    return 10 * schedulers + (backend == "trio")


def check_ends(ended: Snapshot, load: Load) -> int:
    """Compare all runs with the interpreter; how many tries there were."""
    invariants.check_one_run_per_logical_date(ended)
    invariants.check_confluence(ended, load.dags_by_id, load.script)
    return sum(row.try_number for row in ended.task_instances.values())


def check_drawn_loads(url: str, backend: str, schedulers: int, examples: int) -> int:
    tries = []

    @seed(_seed_of(backend, schedulers))
    @settings(
        max_examples=examples, database=None, suppress_health_check=[*HealthCheck], phases=[Phase.generate]
    )
    @given(loads(dags_min=4, dags_max=6, tasks_max=8, requests_min=8, requests_max=14, fatal=False))
    def property_holds(drawn):
        note(describe(drawn))
        load = renamed(drawn)
        ended = anyio.run(partial(carry_out, url, load, schedulers=schedulers), backend=backend)
        tries.append(check_ends(ended, load))

    property_holds()
    return sum(tries)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize(("database", "schedulers"), PLACES)
def test_runs_end_as_interpreted_under_real_schedulers(url, backend, schedulers):
    assert check_drawn_loads(url, backend, schedulers, examples=4) > 20


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("schedulers", [1, 2, 3])
def test_runs_end_as_interpreted_in_simulated_clusters(backend, schedulers):
    @seed(_seed_of(backend, schedulers))
    @settings(max_examples=2, database=None, suppress_health_check=[*HealthCheck], phases=[Phase.generate])
    @given(loads(timeouts=True), st.integers(0, 2**32 - 1))
    def property_holds(load, order):
        note(describe(load))
        assert simulate(load, order, 100, SimulationSettings(schedulers=schedulers), backend=backend) >= 100

    property_holds()


@pytest.mark.soak
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize(("database", "schedulers"), PLACES)
def test_many_runs_end_as_interpreted_under_real_schedulers(url, backend, schedulers, capsys):
    tries = check_drawn_loads(url, backend, schedulers, examples=100)
    with capsys.disabled():
        print(f"\n{tries} tries of 100 loads")
    assert tries > 1_000


FAILS = load_of(
    dag_of(*chain_of("first", "second")), script=Script({("first", 1): ScriptedEnd(TryOutcome.FAILED)})
)


async def test_a_scheduler_that_overlooks_an_edge_is_noticed(tmp_path):
    url = f"sqlite:///{tmp_path / 'flow.db'}"
    ended = await carry_out(url, FAILS, schedulers=1, told=without_an_edge)
    with pytest.raises(AssertionError, match="ended as"):
        check_ends(ended, FAILS)

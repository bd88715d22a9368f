from __future__ import annotations

from flowcore.database.run_facts import RunFactsCache
from flowcore.database.tables import dag_run
from tests.support.scheduling import NOW, Scene, single


async def statements(scene: Scene, facts: RunFactsCache, runs: list[tuple[int, int]]) -> int:
    before = scene.database.statistics().statements
    await scene.database.read(facts.get, runs)
    return scene.database.statistics().statements - before


async def test_facts_are_what_the_run_was_triggered_with(scene: Scene) -> None:
    await scene.register(single())
    run = await scene.trigger(conf={"n": 1}, run_id="first")
    facts = (await scene.database.read(RunFactsCache().get, [(run, 0)]))[run, 0]
    assert (facts.dag_id, facts.run_id, facts.run_type, facts.conf) == ("etl", "first", "manual", {"n": 1})
    assert (facts.logical_date, facts.data_interval_end, facts.start_date) == (NOW, NOW, None)


async def test_facts_are_read_once_and_together(scene: Scene) -> None:
    await scene.register(single())
    facts, runs = RunFactsCache(size=2), [(await scene.trigger(), 0) for _ in range(3)]
    assert await statements(scene, facts, runs[:2]) == 1
    assert await statements(scene, facts, runs[:2]) == 0
    assert await statements(scene, facts, runs) == 1
    assert await statements(scene, facts, runs[2:]) == 0


async def test_facts_of_a_run_that_was_cleared_are_read_again(scene: Scene) -> None:
    await scene.register(single())
    facts, run = RunFactsCache(), await scene.trigger()
    assert await statements(scene, facts, [(run, 0)]) == 1
    await scene.execute(dag_run.update().values(clear_number=1, dag_version_id=7))
    assert (await scene.database.read(facts.get, [(run, 1)]))[run, 1].dag_version_id == 7

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from flowcore.database.queries.old_rows import Old
from flowcore.database.queries.old_runs import OLD_RUNS
from flowcore.database.tables import backfill, dag_run, metadata
from flowcore.domain.retention import Retention
from flowcore.domain.workloads import TryOutcome
from tests.support.scheduling import NOW, Scene, chain, single

OLD = Retention(before=NOW + timedelta(seconds=1))


async def ended(scene: Scene, *, days_ago: int = 0, run_type: str = "manual") -> int:
    """A run of `etl` that has ended at `scene.now`, for a day some time ago."""
    run = await scene.trigger(logical_date=NOW - timedelta(days=days_ago))
    after = NOW - timedelta(days=days_ago)
    await scene.execute(
        dag_run.update().where(dag_run.c.id == run).values(run_type=run_type, run_after=after)
    )
    await scene.start()
    await scene.hop()
    return run


async def find(scene: Scene, retention: Retention = OLD, *, after: int = 0, limit: int = 1_000) -> list[Old]:
    return list(await scene.database.read(OLD_RUNS.find, retention, after, limit))


async def found(scene: Scene, retention: Retention = OLD) -> list[int]:
    return [old.id for old in await find(scene, retention)]


async def test_nothing_is_left_of_an_old_run(scene: Scene) -> None:
    await scene.begin(single(every={"retries": 1}))
    [workload] = await scene.enqueue()
    await scene.end([workload], TryOutcome.FAILED, xcoms={"k": "1"}, rendered_fields={"sql": "select 1"})
    scene.later(3600)
    await scene.expire()
    await scene.hop()
    old = await find(scene, Retention(before=scene.now + timedelta(seconds=1)))
    assert (await scene.database.read(OLD_RUNS.count, old))["task_try"] == 1
    deleted, counts = await scene.database.run(OLD_RUNS.delete, old)
    assert (deleted, counts["dag_run"], counts["task_instance"]) == (old, 1, 1)
    of_runs = [table for table in metadata.tables.values() if table.name in counts]
    assert {table.name for table in of_runs if await scene.rows(sa.select(table).limit(1))} == set()


async def test_runs_that_ended_later_are_not_old(scene: Scene) -> None:
    await scene.register(single())
    old = await ended(scene)
    scene.later(60)
    await ended(scene, days_ago=1)
    assert await found(scene) == [old]


@pytest.mark.parametrize(
    ("retention", "is_old"),
    [
        ({"dag_ids": frozenset({"etl"})}, True),
        ({"dag_ids": frozenset({"other"})}, False),
        ({"spared_dag_ids": frozenset({"etl"})}, False),
    ],
    ids=str,
)
async def test_some_dags_can_be_meant(
    scene: Scene, retention: dict[str, frozenset[str]], is_old: bool
) -> None:
    await scene.register(single())
    await ended(scene)
    assert bool(await found(scene, Retention(before=OLD.before, **retention))) == is_old


async def test_the_newest_run_that_is_not_manual_stays(scene: Scene) -> None:
    await scene.register(single())
    first, _newest, manual = [
        await ended(scene, days_ago=days, run_type=kind)
        for days, kind in ((3, "scheduled"), (2, "scheduled"), (1, "manual"))
    ]
    assert await found(scene) == [first, manual]


async def test_runs_before_one_that_has_not_ended_stay(scene: Scene) -> None:
    await scene.register(single())
    first, _scheduled, _manual = [
        await ended(scene, days_ago=days, run_type=kind)
        for days, kind in ((4, "scheduled"), (3, "scheduled"), (2, "manual"))
    ]
    await scene.trigger()
    assert await found(scene) == [first]


async def test_runs_of_a_backfill_that_goes_on_stay(scene: Scene) -> None:
    await scene.register(single())
    run = await ended(scene)
    await scene.execute(dag_run.update().where(dag_run.c.id == run).values(backfill_id=1))
    days = dict.fromkeys(("from_date", "to_date", "created_at"), NOW)
    fixed = {"dag_id": "etl", "is_paused": False, "run_backwards": False, "max_active_runs": 1}
    await scene.execute(backfill.insert().values(id=1, reprocess_behavior="none", **days, **fixed))
    assert await found(scene) == []
    await scene.execute(backfill.update().values(completed_at=NOW))
    assert await found(scene) == [run]


async def test_a_run_that_was_cleared_after_it_was_found_stays(scene: Scene) -> None:
    await scene.register(single())
    run = await ended(scene)
    old = await find(scene)
    await scene.clear()
    assert (await scene.database.run(OLD_RUNS.delete, old))[0] == []
    await scene.start()
    await scene.schedule()
    await scene.hop()
    # It has ended again: it is the same run, in another life.
    assert (await scene.database.run(OLD_RUNS.delete, old))[0] == []
    assert (await scene.run_row(run)).state == "success"


async def test_batches_have_about_as_many_task_instances_as_asked_for(scene: Scene) -> None:
    await scene.register(chain(2))
    runs = [await scene.trigger(logical_date=NOW - timedelta(days=days)) for days in range(3)]
    await scene.start()
    await scene.hop()
    await scene.hop()
    assert [old.id for old in await find(scene, limit=5)] == runs[:2]
    assert [old.id for old in await find(scene, limit=1, after=runs[0])] == [runs[1]]

from __future__ import annotations

from datetime import timedelta

from flowcore.database.queries.create_backfill import create_backfill
from flowcore.domain.backfills import BackfillRequest
from flowcore.domain.timetables.delta import DeltaTriggerTimetable
from flowcore.scheduler.wake_graph import Channel
from tests.support.scheduling import NOW, Scene, single

HOURLY = single(timetable=DeltaTriggerTimetable(timedelta(hours=1)).serialize())


async def test_a_backfill_is_completed_with_its_last_run(scene: Scene) -> None:
    await scene.register(HOURLY)
    request = BackfillRequest(dag_id="etl", from_date=NOW - timedelta(hours=1), to_date=NOW)
    await scene.database.run(create_backfill, request, now=NOW)
    await scene.start()
    [first, second] = await scene.enqueue()
    for workload, completed in ((first, 0), (second, 1)):
        await scene.end([workload])
        await scene.schedule()
        assert (await scene.complete_backfills()).moved == completed


async def test_ends_of_runs_are_no_news_while_there_is_no_backfill(scene: Scene) -> None:
    assert (await scene.complete_backfills()).ignores == {Channel.RUNS_ENDED}
    await scene.register(HOURLY)
    request = BackfillRequest(dag_id="etl", from_date=NOW - timedelta(hours=1), to_date=NOW)
    await scene.database.run(create_backfill, request, now=NOW)
    assert (await scene.complete_backfills()).ignores == frozenset()

from __future__ import annotations

from datetime import UTC, timedelta

import anyio
import attrs
import sqlalchemy as sa

from flowcore.database.queries.create_dag_runs import QUEUED_AHEAD_MAX
from flowcore.database.tables import dag, dag_run
from flowcore.domain.dags import Dag
from flowcore.domain.timetables.registry import timetable_for
from tests.support.scheduling import NOW, Scene, single

HOURLY = timetable_for("0 * * * *", UTC).serialize()


def hourly(dag_id: str = "etl", *, hours: float = 3, **fields: object) -> Dag:
    start = NOW - timedelta(hours=hours)
    return single(dag_id, timetable=HOURLY, start_date=start, catchup=True, **fields)


async def dates(scene: Scene) -> list[object]:
    rows = await scene.rows(sa.select(dag_run.c.logical_date).order_by(dag_run.c.logical_date))
    return [row.logical_date for row in rows]


async def test_a_catch_up_creates_the_runs_that_were_missed(scene: Scene) -> None:
    await scene.register(hourly())
    batch = await scene.create()
    assert batch.moved == 4
    assert await dates(scene) == [NOW + timedelta(hours=hours) for hours in (-3, -2, -1, 0)]


async def test_what_is_due_next_is_known(scene: Scene) -> None:
    await scene.register(hourly())
    batch = await scene.create()
    assert batch.next_at == NOW + timedelta(hours=1)
    assert (await scene.create()).moved == 0


async def test_a_long_catch_up_waits_until_runs_have_ended(scene: Scene) -> None:
    await scene.register(hourly(hours=100, max_active_runs=2))
    while (await scene.create()).moved:
        pass
    assert len(await dates(scene)) == 2 + QUEUED_AHEAD_MAX
    await scene.execute(dag_run.update().values(state="success"))
    while (await scene.create()).moved:
        pass
    assert len(await dates(scene)) == 2 * (2 + QUEUED_AHEAD_MAX)


async def test_a_dag_without_limit_does_not_wait_for_its_running_runs(scene: Scene) -> None:
    await scene.register(hourly(hours=40, max_active_runs=0))
    batch = await scene.create()
    assert batch.moved == QUEUED_AHEAD_MAX
    await scene.execute(dag_run.update().values(state="running"))
    assert (await scene.create()).moved == QUEUED_AHEAD_MAX


async def test_paused_dags_create_nothing(scene: Scene) -> None:
    await scene.register(hourly(is_paused_upon_creation=True))
    assert (await scene.create()).moved == 0


async def test_a_logical_date_that_was_triggered_by_hand_is_passed_over(scene: Scene) -> None:
    await scene.register(hourly())
    await scene.trigger(logical_date=NOW - timedelta(hours=1))
    assert (await scene.create()).moved == 3
    assert len(await dates(scene)) == 4


async def test_a_broken_timetable_stops_only_its_dag(scene: Scene) -> None:
    await scene.register(hourly("broken"), hourly("sound"))
    broken = attrs.evolve(hourly("broken"), params={"n": {"schema": {"type": "integer"}}})
    await scene.register(broken)
    assert (await scene.create()).moved == 4
    [row] = await scene.rows(sa.select(dag).where(dag.c.dag_id == "broken"))
    assert "param 'n' of Dag 'broken' has no default" in row.schedule_error
    assert row.next_run_after is None


async def test_a_schedule_that_leads_out_of_the_calendar_stops_only_its_dag(scene: Scene) -> None:
    endless = timetable_for(timedelta(days=999_999_999), UTC).serialize()
    await scene.register(single("endless", timetable=endless, start_date=NOW, catchup=True), hourly("sound"))
    assert (await scene.create()).moved == 4
    [row] = await scene.rows(sa.select(dag).where(dag.c.dag_id == "endless"))
    assert "out of range" in row.schedule_error


async def test_more_dags_than_a_batch_holds_are_created_in_several_steps(scene: Scene) -> None:
    await scene.register(*(hourly(f"d{n}", hours=0) for n in range(3)))
    assert (await scene.create(batch_size=2)).more
    assert not (await scene.create(batch_size=2)).more
    assert len(await dates(scene)) == 3


async def test_two_schedulers_create_each_run_once(rivals: tuple[Scene, Scene]) -> None:
    first, second = rivals
    await first.register(*(hourly(f"d{n}") for n in range(20)))
    async with anyio.create_task_group() as nursery:
        for scene in (first, second, first, second):
            nursery.start_soon(scene.create)
    counts = await first.rows(sa.select(dag_run.c.dag_id, sa.func.count()).group_by(dag_run.c.dag_id))
    assert [count for _, count in counts] == [4] * 20

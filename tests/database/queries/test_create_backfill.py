from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import pytest
import sqlalchemy as sa

from flowcore.database.queries.backfills import cancel_backfill, list_backfills, pause_backfill
from flowcore.database.queries.create_backfill import CreatedBackfill, create_backfill
from flowcore.database.tables import backfill, backfill_date, dag, dag_run
from flowcore.domain.backfills import BackfillRequest, ReprocessBehavior
from flowcore.domain.dags import Dag
from flowcore.domain.timetables.cron import CronTriggerTimetable
from flowcore.domain.workloads import TryOutcome
from flowcore.errors import (
    BackfillNotFound,
    DagInactive,
    DagNotFound,
    ParamError,
    UsageError,
)
from tests.support.scheduling import NOW, Scene, single

DAILY = CronTriggerTimetable("@daily", timezone="UTC").serialize()
DAY = timedelta(days=1)
FIRST = datetime(2026, 2, 1, tzinfo=UTC)


def daily(**fields: Any) -> Dag:
    """A Dag whose schedule begins long after the dates that are made up for."""
    return single(timetable=DAILY, start_date=NOW + 30 * DAY, **fields)


async def fill(scene: Scene, *, days: int = 3, **fields: Any) -> CreatedBackfill:
    arguments: dict[str, Any] = {"from_date": FIRST, "to_date": FIRST + (days - 1) * DAY}
    dry_run = fields.pop("dry_run", False)
    request = BackfillRequest(dag_id="etl", **{**arguments, **fields})
    return await scene.database.run(create_backfill, request, dry_run=dry_run, now=scene.now)


async def runs(scene: Scene) -> dict[int, str]:
    """The states of all runs by the days of their logical dates."""
    rows = await scene.rows(sa.select(dag_run).order_by(dag_run.c.logical_date))
    return {row.logical_date.day: row.state for row in rows}


async def finish(scene: Scene, outcome: TryOutcome = TryOutcome.SUCCESS) -> None:
    """Let everything that is queued come to its end."""
    while (await scene.start()).moved:
        await scene.schedule()
        await scene.hop(outcome)
    await scene.complete_backfills()


async def test_a_backfill_has_its_runs_queued(scene: Scene) -> None:
    await scene.register(daily())
    created = await fill(scene, conf={"n": 1})
    assert [(planned.ordinal, planned.action) for planned in created.dates] == [
        (1, "create"),
        (2, "create"),
        (3, "create"),
    ]
    rows = await scene.rows(sa.select(dag_run).order_by(dag_run.c.backfill_ordinal))
    assert [row.run_id for row in rows] == [f"backfill__2026-02-0{day}T00:00:00+00:00" for day in (1, 2, 3)]
    assert {(row.run_type, row.state, row.backfill_id, row.conf["n"]) for row in rows} == {
        ("backfill", "queued", created.id, 1)
    }
    dates = await scene.rows(sa.select(backfill_date))
    assert [row.dag_run_id for row in dates] == [row.id for row in rows]


async def test_runs_start_under_the_limit_of_the_backfill_beside_those_of_the_dag(scene: Scene) -> None:
    await scene.register(daily(max_active_runs=1))
    for _ in range(2):
        await scene.trigger()
    await fill(scene, days=5, max_active_runs=2)
    await scene.start()
    running = await scene.rows(sa.select(dag_run).where(dag_run.c.state == "running"))
    assert sorted(row.run_type for row in running) == ["backfill", "backfill", "manual"]
    assert (await scene.start()).moved == 0


async def test_a_full_dag_holds_up_no_backfill_however_many_of_its_runs_wait(scene: Scene) -> None:
    await scene.register(daily(max_active_runs=1))
    for _ in range(4):
        await scene.trigger()
    await scene.start()
    await fill(scene, days=1)
    assert (await scene.start(batch_size=2)).moved == 1
    [of_backfill] = await scene.rows(sa.select(dag_run.c.state).where(dag_run.c.run_type == "backfill"))
    assert of_backfill.state == "running"


@pytest.mark.parametrize(("backwards", "first"), [(False, 1), (True, 3)])
async def test_runs_start_in_the_order_that_was_asked(scene: Scene, backwards: bool, first: int) -> None:
    await scene.register(daily())
    await fill(scene, max_active_runs=1, run_backwards=backwards)
    await scene.start()
    assert [day for day, state in (await runs(scene)).items() if state == "running"] == [first]


async def test_a_backfill_cannot_run_backwards_when_runs_need_those_before_them(scene: Scene) -> None:
    await scene.register(daily(every={"depends_on_past": True}))
    with pytest.raises(UsageError, match="Dag 'etl' has tasks with depends_on_past"):
        await fill(scene, run_backwards=True)


async def test_a_backfill_is_completed_when_its_runs_have_ended(scene: Scene) -> None:
    await scene.register(daily())
    await fill(scene)
    assert (await scene.complete_backfills()).moved == 0
    await finish(scene)
    [listed] = await scene.database.read(list_backfills)
    assert listed.completed_at == scene.now
    assert listed.runs == {"success": 3}
    assert (await scene.complete_backfills()).moved == 0


async def test_runs_that_are_there_are_left_alone(scene: Scene) -> None:
    await scene.register(daily())
    await scene.trigger(logical_date=FIRST)
    await finish(scene)
    await scene.trigger(logical_date=FIRST + DAY)
    created = await fill(scene)
    assert [planned.action for planned in created.dates] == ["already exists", "in flight", "create"]
    assert await runs(scene) == {1: "success", 2: "queued", 3: "queued"}
    await finish(scene)
    assert (await scene.database.read(list_backfills))[0].runs == {"success": 1}


async def test_failed_runs_run_again_when_that_is_asked(scene: Scene) -> None:
    await scene.register(daily())
    failed = await scene.trigger(logical_date=FIRST, conf={"n": 1})
    await finish(scene, TryOutcome.FAILED)
    created = await fill(scene, reprocess_behavior=ReprocessBehavior.FAILED)
    assert created.dates[0].action == "reprocess"
    row = await scene.run_row(failed)
    assert (row.state, row.run_type, row.backfill_id, row.backfill_ordinal) == (
        "queued",
        "backfill",
        created.id,
        1,
    )
    await finish(scene)
    row = await scene.run_row(failed)
    assert (row.state, row.conf, row.clear_number) == ("success", {"n": 1}, 1)


async def test_a_run_that_runs_again_gets_the_conf_and_version_that_were_asked(scene: Scene) -> None:
    await scene.register(daily())
    run = await scene.trigger(logical_date=FIRST)
    await finish(scene)
    await scene.register(daily(params={"n": {"default": 0}}))
    completed = ReprocessBehavior.COMPLETED
    await fill(scene, days=1, conf={"n": 2}, reprocess_behavior=completed, latest_version=True)
    await scene.start()
    await scene.schedule()
    [workload] = await scene.enqueue()
    assert (workload.run.dag_run_id, workload.run.run_type) == (run, "backfill")
    assert (workload.run.conf, workload.run.params) == ({"n": 2}, {"n": 2})


async def test_a_dry_run_tells_and_creates_nothing(scene: Scene) -> None:
    await scene.register(daily())
    created = await fill(scene, dry_run=True)
    assert (created.id, len(created.dates)) == (None, 3)
    assert await runs(scene) == {}
    assert await scene.rows(sa.select(backfill)) == []


async def test_a_paused_backfill_waits(scene: Scene) -> None:
    await scene.register(daily())
    created = await fill(scene)
    await scene.database.run(pause_backfill, created.id, True)
    assert (await scene.start()).moved == 0
    await scene.trigger()
    assert (await scene.start()).moved == 1
    await scene.database.run(pause_backfill, created.id, False)
    assert (await scene.start()).moved == 3


async def test_of_a_cancelled_backfill_what_runs_goes_on_and_the_rest_fails(scene: Scene) -> None:
    await scene.register(daily())
    created = await fill(scene, max_active_runs=1)
    await scene.start()
    await scene.database.run(cancel_backfill, created.id, now=scene.now)
    assert await runs(scene) == {1: "running", 2: "failed", 3: "failed"}
    await scene.hop()
    assert (await runs(scene))[1] == "success"
    [listed] = await scene.database.read(list_backfills)
    assert listed.completed_at == scene.now


async def test_a_run_of_a_completed_backfill_that_is_cleared_starts_like_any_other(scene: Scene) -> None:
    await scene.register(daily(max_active_runs=1))
    await fill(scene)
    await finish(scene)
    await scene.clear()
    assert (await scene.start()).moved == 1


async def test_a_dag_has_one_backfill_at_a_time(scene: Scene) -> None:
    await scene.register(daily())
    created = await fill(scene)
    with pytest.raises(UsageError, match=f"has backfill {created.id} already.*flowcore backfill cancel"):
        await fill(scene)
    await finish(scene)
    assert (await fill(scene)).id != created.id


async def test_two_who_ask_at_the_same_time_get_one_backfill(rivals: tuple[Scene, Scene]) -> None:
    await rivals[0].register(daily())
    refused = []

    async def ask(scene: Scene) -> None:
        try:
            await fill(scene)
        except UsageError as error:
            refused.append(error)

    async with anyio.create_task_group() as nursery:
        for scene in rivals:
            nursery.start_soon(ask, scene)
    assert len(refused) == 1
    assert await runs(rivals[0]) == {1: "queued", 2: "queued", 3: "queued"}


async def test_the_schedule_of_a_dag_passes_over_what_a_backfill_made(scene: Scene) -> None:
    await scene.register(single(timetable=DAILY, start_date=FIRST, catchup=True, max_active_runs=100))
    await fill(scene)
    await scene.create()
    rows = await scene.rows(sa.select(dag_run.c.run_type).order_by(dag_run.c.logical_date).limit(4))
    assert [row.run_type for row in rows] == ["backfill", "backfill", "backfill", "scheduled"]


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"conf": {"n": "many"}}, ParamError),
        ({"to_date": FIRST - DAY}, UsageError),
        ({"from_date": NOW + DAY, "to_date": NOW + 2 * DAY}, UsageError),
    ],
)
async def test_what_cannot_be_carried_out_leaves_nothing(
    scene: Scene, fields: dict[str, Any], error: type[Exception]
) -> None:
    await scene.register(daily(params={"n": {"default": 0, "schema": {"type": "integer"}}}))
    with pytest.raises(error):
        await fill(scene, **fields)
    assert await scene.rows(sa.select(backfill)) == []


async def test_a_dag_without_schedule_has_no_backfill(scene: Scene) -> None:
    await scene.register(single())
    with pytest.raises(UsageError, match="has schedule None, which asks for no runs"):
        await fill(scene)


async def test_a_dag_that_is_not_there_has_no_backfill(scene: Scene) -> None:
    with pytest.raises(DagNotFound):
        await fill(scene)
    await scene.register(daily())
    await scene.execute(dag.update().values(is_active=False))
    with pytest.raises(DagInactive):
        await fill(scene)


async def test_a_backfill_that_is_over_or_absent_cannot_be_changed(scene: Scene) -> None:
    await scene.register(daily())
    created = await fill(scene)
    await finish(scene)
    for unit, arguments in ((pause_backfill, {"is_paused": True}), (cancel_backfill, {"now": scene.now})):
        with pytest.raises(UsageError, match=r"was completed at .* and cannot be .*; create another"):
            await scene.database.run(unit, created.id, **arguments)
        with pytest.raises(BackfillNotFound, match="there is no backfill 99; see `flowcore backfill list`"):
            await scene.database.run(unit, 99, **arguments)

from __future__ import annotations

from datetime import timedelta

import pytest

from flowcore.domain.external_marks import OWN_DATE, ExternalMark
from flowcore.errors import UsageError
from tests.support.scheduling import Scene, single

DAY = timedelta(days=1)


async def ended_runs(scene: Scene, *, date: str = OWN_DATE, days_later: int = 0) -> tuple[int, int]:
    """Runs of `etl`, whose task marks that of `other`, and of `other`; both have succeeded."""
    mark = ExternalMark(dag_id="other", task_id="a", logical_date=date)
    await scene.register(single(every={"mark": mark}), single("other"))
    marking = await scene.trigger(logical_date=scene.now)
    marked = await scene.trigger("other", logical_date=scene.now + days_later * DAY, run_after=scene.now)
    await scene.start()
    await scene.schedule()
    rendered = {"logical_date": (scene.now + days_later * DAY).isoformat()}
    await scene.end(await scene.enqueue(), rendered_fields=rendered)
    await scene.schedule()
    return marking, marked


async def test_marked_tasks_are_cleared_in_their_own_dag(scene: Scene) -> None:
    marking, marked = await ended_runs(scene)
    changed = await scene.clear()
    assert [(one.dag_id, one.task_id, one.state) for one in changed] == [
        ("etl", "a", "success"),
        ("other", "a", "success"),
    ]
    assert [await scene.states(run) for run in (marking, marked)] == [{"a": None}] * 2
    assert (await scene.run_row(marked)).state == "queued"


async def test_a_dry_run_only_tells(scene: Scene) -> None:
    _, marked = await ended_runs(scene)
    assert len(await scene.clear(dry_run=True)) == 2
    assert await scene.states(marked) == {"a": "success"}


async def test_templates_are_what_they_became_in_the_last_try(scene: Scene) -> None:
    _, marked = await ended_runs(scene, date="{{ tomorrow }}", days_later=1)
    assert [one.dag_id for one in await scene.clear()] == ["etl", "other"]
    assert await scene.states(marked) == {"a": None}


async def test_runs_of_other_dates_are_left_alone(scene: Scene) -> None:
    _, marked = await ended_runs(scene, days_later=1)
    assert [one.dag_id for one in await scene.clear()] == ["etl"]
    assert await scene.states(marked) == {"a": "success"}


async def test_a_circle_changes_nothing(scene: Scene) -> None:
    mark = ExternalMark(dag_id="etl", task_id="a")
    run = await scene.begin(single(every={"mark": mark}))
    await scene.end(await scene.enqueue())
    await scene.schedule()
    with pytest.raises(UsageError, match="go in a circle: etl"):
        await scene.clear()
    assert await scene.states(run) == {"a": "success"}

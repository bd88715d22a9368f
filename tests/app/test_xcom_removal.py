from __future__ import annotations

from functools import partial
from pathlib import Path

import attrs
import pytest

from flowcore.app.xcom_removal import delete_with_xcoms, purge
from flowcore.database.queries.deleting import delete_dag, delete_run
from flowcore.domain.workloads import TryOutcome, Workload
from flowcore.domain.xcoms import XComPlace, place_of_all
from flowcore.errors import DagNotFound
from flowcore.runner.xcoms.objects import ObjectXComs
from tests.support.scheduling import Scene, single


def place_of(work: Workload) -> XComPlace:
    place = place_of_all("etl", work.run.run_id, work.task_id, -1)
    return attrs.evolve(place, token=work.token, key="k")


async def ended(scene: Scene, xcoms: ObjectXComs, *run_ids: str) -> None:
    """Runs whose tries pushed something outside, and then failed."""
    await scene.register(single())
    for run_id in run_ids:
        await scene.trigger(run_id=run_id)
    await scene.start()
    workloads = await scene.enqueue()
    for work in workloads:
        xcoms.serialize("value", place_of(work))
    await scene.end(workloads, TryOutcome.FAILED_FOR_GOOD)
    await scene.schedule()


def left(folder: Path) -> list[str]:
    return sorted({path.parent.parent.parent.parent.name for path in folder.glob("*/*/*/*/*/*.json")})


@pytest.fixture
def xcoms(tmp_path: Path) -> ObjectXComs:
    return ObjectXComs(str(tmp_path), threshold=0)


async def test_what_a_run_left_outside_goes_with_it(scene: Scene, xcoms: ObjectXComs, tmp_path: Path) -> None:
    await ended(scene, xcoms, "first", "second")
    assert left(tmp_path) == ["run_id=first", "run_id=second"]
    delete = partial(delete_run, dag_id="etl", run_id="first")
    await delete_with_xcoms(scene.database, delete, xcoms, dag_id="etl", run_id="first")
    assert left(tmp_path) == ["run_id=second"]


async def test_what_a_dag_left_outside_goes_with_it(scene: Scene, xcoms: ObjectXComs, tmp_path: Path) -> None:
    await ended(scene, xcoms, "first", "second")
    delete = partial(delete_dag, dag_id="etl")
    assert await delete_with_xcoms(scene.database, delete, xcoms, dag_id="etl") == 2
    assert left(tmp_path) == []


async def test_nothing_goes_when_the_run_stays(scene: Scene, xcoms: ObjectXComs, tmp_path: Path) -> None:
    await ended(scene, xcoms, "first")
    with pytest.raises(DagNotFound):
        await delete_with_xcoms(
            scene.database, partial(delete_dag, dag_id="absent"), xcoms, dag_id="etl", run_id="first"
        )
    assert left(tmp_path) == ["run_id=first"]


def test_a_storage_that_fails_is_told(caplog: pytest.LogCaptureFixture) -> None:
    purge(ObjectXComs("nowhere://x"), place_of_all("etl", "first", "a", -1))
    assert "what etl/first/a left as XComs stays there" in caplog.text

from __future__ import annotations

import pytest

from flowcore.database.queries.checking_assets import asset_complaints
from flowcore.database.tables import dag
from flowcore.domain.asset_documents import dump_asset
from flowcore.domain.assets import Asset, AssetExpression
from flowcore.domain.dags import Dag
from flowcore.domain.timetables.assets import AssetTriggeredTimetable
from tests.support.scheduling import Scene, single

A, B, C = Asset("a"), Asset("b"), Asset("c")


def flow(dag_id: str, waits_for: AssetExpression, updates: AssetExpression) -> Dag:
    outlets = {"outlets": (dump_asset(updates),)}
    return single(dag_id, timetable=AssetTriggeredTimetable(waits_for).serialize(), every=outlets)


async def complaints(scene: Scene, about: set[str] | None = None) -> list[str]:
    return [*await scene.database.read(asset_complaints, about=about)]


async def test_a_cycle_is_told_once_and_when_it_comes_to_be(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    await scene.register(flow("load", B, A))
    assert caplog.text == ""
    await scene.register(flow("report", A | Asset.ref(name="c"), B))
    [complaint] = await complaints(scene)
    assert complaint.startswith("Dags 'report', 'load' update what the next of them waits for")
    assert caplog.text.count("update what the next of them waits for") == 1
    assert await complaints(scene, {"other"}) == []


async def test_dags_that_are_gone_are_in_no_cycle(scene: Scene) -> None:
    await scene.register(flow("load", B, A), flow("report", A, B))
    await scene.execute(dag.update().values(is_active=False).where(dag.c.dag_id == "report"))
    assert await complaints(scene) == []


async def test_one_asset_in_two_spellings_is_told(scene: Scene) -> None:
    await scene.register(flow("load", C, Asset("a", "s3://x")), flow("report", Asset("a", "s3://y"), B))
    [complaint] = await complaints(scene)
    assert complaint.startswith(
        "the asset name 'a' goes with several URIs: 's3://x/' in Dag 'load', 's3://y/'"
    )

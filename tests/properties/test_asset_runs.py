"""Each Dag consumes each asset event exactly once, in the run that a model of a page says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import anyio
import attrs
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from flowcore.clock import SystemClock
from flowcore.database import schema
from flowcore.database.dag_versions import DagVersions
from flowcore.database.queries.asset_events import NewAssetEvent, record_asset_events
from flowcore.database.queries.create_asset_runs import create_asset_runs
from flowcore.database.queries.register_dags import register_dag
from flowcore.database.tables import asset_delivery, dag_run
from flowcore.database.types import register_clock
from flowcore.domain.asset_conditions import is_met
from flowcore.domain.assets import Asset, AssetAlias, AssetExpression, AssetKey, AssetUpdate
from flowcore.domain.timetables.assets import AssetTriggeredTimetable
from flowcore.scheduler.decisions.create_asset_runs import asset_run
from flowcore.scheduler.routines.create_asset_runs import CreateAssetRuns
from tests.support.scheduling import NOW, Scene, single

_parts = st.sampled_from([Asset("a"), Asset("b"), Asset("c"), AssetAlias("x")])
_conditions = st.recursive(
    _parts,
    lambda inner: st.tuples(inner, inner, st.booleans()).map(lambda t: t[0] & t[1] if t[2] else t[0] | t[1]),
    max_leaves=4,
)
_updates = st.tuples(st.sampled_from("abc"), st.sampled_from([None, None, "x"]))
_moves = st.lists(_updates | st.sampled_from(["create", "end"]), max_size=15)


@attrs.frozen
class Pending:
    key: AssetKey
    aliases: frozenset[str]


@attrs.define
class Model:
    """One Dag with at most one run at a time."""

    condition: AssetExpression
    pending: list[tuple[int, str]] = attrs.field(factory=list)
    batches: list[list[int]] = attrs.field(factory=list)
    is_running: bool = False

    def tell(self, event: int, name: str, attached: set[str]) -> None:
        parts = list(self.condition.parts())
        if Asset(name) in parts or (name in attached and AssetAlias("x") in parts):
            self.pending.append((event, name))

    def create(self, attached: set[str]) -> None:
        updated = [
            Pending(Asset(name).key, frozenset({"x"} if name in attached else ())) for _, name in self.pending
        ]
        if updated and not self.is_running and is_met(self.condition, updated):
            self.batches.append([event for event, _ in self.pending])
            self.pending, self.is_running = [], True


@pytest.fixture(scope="module")
def connection() -> Iterator[sa.Connection]:
    engine = sa.create_engine("sqlite://")
    sa.event.listen(engine, "connect", lambda raw, _: register_clock(raw, SystemClock()))
    with engine.connect() as connection:
        schema.prepare(connection)
        connection.commit()
        yield connection
    engine.dispose()


def timetable(condition: AssetExpression) -> dict[str, object]:
    return AssetTriggeredTimetable(condition).serialize()


@given(conditions=st.lists(_conditions, min_size=1, max_size=3), moves=_moves)
def test_runs_consume_what_the_model_says(connection, conditions, moves):
    try:
        models = _play(connection, conditions, moves)
        assert consumed(connection) == {
            dag_id: [*model.batches, [event for event, _ in model.pending]]
            for dag_id, model in models.items()
            if model.batches or model.pending
        }
    finally:
        connection.rollback()


def _play(connection, conditions, moves) -> dict[str, Model]:
    models = {f"dag{number}": Model(condition) for number, condition in enumerate(conditions)}
    attached: set[str] = set()
    versions, now = DagVersions(), NOW
    for dag_id, model in models.items():
        waiting = single(dag_id, timetable=timetable(model.condition), max_active_runs=1)
        register_dag(connection, waiting, now=now, paused_at_creation=False)
    for move in [*moves, "create"]:
        now += timedelta(seconds=1)
        match move:
            case "create":
                while create_asset_runs(connection, asset_run, versions=versions, now=now, limit=1).more:
                    pass
                for model in models.values():
                    model.create(attached)
            case "end":
                connection.execute(dag_run.update().values(state="success"))
                for model in models.values():
                    model.is_running = False
            case (name, alias):
                update = AssetUpdate(name=name, uri=name, alias=alias)
                [event] = record_asset_events(connection, [NewAssetEvent(update=update, created_at=now)])
                attached |= {name} if alias else set()
                for model in models.values():
                    model.tell(event, name, attached)
    return models


def consumed(connection: sa.Connection) -> dict[str, list[list[int]]]:
    """Events by Dag and run, in the order of the runs; last those that no run has consumed."""
    d = asset_delivery.c
    found: dict[str, dict[int | None, list[int]]] = {}
    for dag_id, event, run in connection.execute(sa.select(d.dag_id, d.event_id, d.dag_run_id)):
        found.setdefault(dag_id, {}).setdefault(run, []).append(event)
    return {
        dag_id: [
            *(sorted(events) for run, events in sorted(runs.items(), key=str) if run is not None),
            sorted(runs.get(None, [])),
        ]
        for dag_id, runs in found.items()
    }


@pytest.mark.postgres
async def test_schedulers_side_by_side_lose_nothing_and_consume_nothing_twice(rivals: tuple[Scene, Scene]):
    await rivals[0].register(
        single("both", timetable=timetable(Asset("a") & Asset("b"))),
        single("either", timetable=timetable(Asset("a") | Asset("b"))),
    )
    async with anyio.create_task_group() as nursery:
        for scene, name in zip(rivals, "ab", strict=True):
            nursery.start_soon(_write_and_create, scene, name)
    # What came after the last look of both.
    await CreateAssetRuns(rivals[0].store).step(rivals[0].now)
    rows = await rivals[0].rows(sa.select(asset_delivery.c.dag_id, asset_delivery.c.dag_run_id))
    assert len(rows) == 20
    assert {row.dag_run_id for row in rows if row.dag_id == "either"}.isdisjoint({None})


async def _write_and_create(scene: Scene, name: str) -> None:
    for _ in range(5):
        event = NewAssetEvent(update=AssetUpdate(name=name, uri=name), created_at=scene.now)
        await scene.database.run(record_asset_events, [event])
        await CreateAssetRuns(scene.store).step(scene.now)

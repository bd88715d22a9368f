from __future__ import annotations

from datetime import UTC, datetime, timedelta

import anyio
import pytest
import sqlalchemy as sa

import flowcore
from flowcore.app.options import Options
from flowcore.database.engine import open_database
from flowcore.database.tables import lease, task_instance
from flowcore.domain.states import DagRunState
from flowcore.errors import DagError, DatabaseInUse, SettingsError
from tests.app.conftest import OPTIONS
from tests.app.dags import etl, gated


async def rows(url: str, query: sa.Select) -> list:
    async with open_database(url) as database:
        return await database.read(lambda connection: connection.execute(query).all())


async def test_a_closed_flowcore_leaves_no_lease(scene_url: str) -> None:
    async with flowcore.open(scene_url, options=OPTIONS):
        pass
    assert await rows(scene_url, sa.select(lease)) == []


async def test_what_one_opening_did_another_one_finds(scene_url: str) -> None:
    async with flowcore.open(scene_url, dags=[etl()], options=OPTIONS) as fc:
        run = await fc.trigger("etl", run_id="first")
        await run.wait()
    async with flowcore.open(scene_url, options=OPTIONS) as fc:
        assert (await fc.run("etl", "first")).state is DagRunState.SUCCESS


async def test_two_flowcores_in_one_process_keep_apart(scene_postgres: str, tmp_path) -> None:
    async with (
        flowcore.open(scene_postgres, dags=[etl("a")], options=OPTIONS) as first,
        flowcore.open(f"sqlite:///{tmp_path / 'flow.db'}", dags=[etl("b")], options=OPTIONS) as second,
    ):
        runs = [await first.trigger("a"), await second.trigger("b")]
        assert [await run.wait() for run in runs] == [DagRunState.SUCCESS] * 2


async def test_two_flowcores_share_a_postgresql_database(scene_postgres: str) -> None:
    async with (
        flowcore.open(scene_postgres, dags=[etl()], options=OPTIONS) as first,
        flowcore.open(scene_postgres, dags=[etl()], options=OPTIONS) as second,
    ):
        runs = [await fc.trigger("etl") for fc in (first, second) * 5]
        states = [await run.wait() for run in runs]
    assert states == [DagRunState.SUCCESS] * 10


async def test_a_second_scheduler_on_one_sqlite_database_is_refused(tmp_path) -> None:
    url = f"sqlite:///{tmp_path / 'flow.db'}"
    async with flowcore.open(url, options=OPTIONS):
        with pytest.raises(DatabaseInUse, match="stop it first, or use PostgreSQL"):
            async with flowcore.open(url, options=OPTIONS):
                pytest.fail("it was let in")


async def test_a_dag_that_postgresql_cannot_keep_is_named(scene_postgres: str) -> None:
    with pytest.raises(DagError, match="Dag 'etl' cannot be stored"):
        async with flowcore.open(scene_postgres, dags=[etl(doc_md="\0")], options=OPTIONS):
            pytest.fail("it was opened")


async def test_an_error_of_the_body_comes_out_as_it_is(scene_url: str) -> None:
    with pytest.raises(KeyError, match="mine"):
        async with flowcore.open(scene_url, options=OPTIONS):
            raise KeyError("mine")


async def test_an_url_that_cannot_be_used_comes_out_as_it_is() -> None:
    with pytest.raises(SettingsError):
        async with flowcore.open("mysql://host/name"):
            pytest.fail("it was opened")


async def test_an_error_of_the_body_gives_running_tries_back(scene_url: str) -> None:
    dag, arrived, _ = gated()

    async def fail_while_a_try_runs() -> None:
        async with flowcore.open(scene_url, dags=[dag], options=Options(grace_s=600)) as fc:
            await fc.trigger("gated")
            await arrived.wait()
            raise KeyError

    with anyio.fail_after(30), pytest.raises(KeyError):
        await fail_while_a_try_runs()
    assert await rows(scene_url, sa.select(task_instance.c.state)) == [("scheduled",)]


async def test_the_end_of_the_body_lets_running_tries_end(scene_url: str) -> None:
    dag, arrived, gate = gated()
    async with flowcore.open(scene_url, dags=[dag], options=OPTIONS) as fc:
        await fc.trigger("gated")
        await arrived.wait()
        gate.set()
    assert await rows(scene_url, sa.select(task_instance.c.state)) == [("success",)]


async def test_a_cancelled_body_gives_running_tries_back(scene_url: str) -> None:
    dag, arrived, _ = gated()
    with anyio.fail_after(30), anyio.CancelScope() as scope:
        async with flowcore.open(scene_url, dags=[dag], options=Options(grace_s=600)) as fc:
            await fc.trigger("gated")
            await arrived.wait()
            scope.cancel()
            await anyio.sleep_forever()
    assert await rows(scene_url, sa.select(task_instance.c.state)) == [("scheduled",)]
    assert await rows(scene_url, sa.select(lease)) == []


async def test_a_try_that_was_given_back_goes_on_in_the_next_opening(scene_url: str) -> None:
    dag, arrived, _ = gated()
    async with flowcore.open(scene_url, dags=[dag], options=Options(grace_s=0)) as fc:
        await fc.trigger("gated", run_id="first")
        await arrived.wait()
    dag, _, gate = gated()
    gate.set()
    async with flowcore.open(scene_url, dags=[dag], options=OPTIONS) as fc:
        assert await (await fc.run("gated", "first")).wait() is DagRunState.SUCCESS


async def test_a_dag_with_an_interval_runs_by_itself(scene_url: str) -> None:
    dag = etl(schedule=timedelta(milliseconds=150), start_date=datetime.now(UTC), catchup=True)
    async with flowcore.open(scene_url, dags=[dag], options=OPTIONS) as fc:
        with anyio.fail_after(30):
            await wait_for_runs(fc, 2)


async def wait_for_runs(fc: flowcore.Flowcore, count: int) -> None:
    seen = fc.database.wakeups.version("runs_ended")
    for _ in range(count):
        seen = await fc.database.wakeups.after("runs_ended", seen)


async def test_without_schedules_only_triggered_runs_are_carried_out(scene_url: str) -> None:
    dag = etl(schedule="* * * * *", start_date=datetime(2026, 1, 1, tzinfo=UTC), catchup=True)
    options = Options(creates_dag_runs=False)
    async with flowcore.open(scene_url, dags=[dag], options=options) as fc:
        await (await fc.trigger("etl")).wait()
    runs = await rows(scene_url, sa.text("SELECT run_type FROM dag_run").columns(run_type=sa.Text))
    assert runs == [("manual",)]

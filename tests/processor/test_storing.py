from __future__ import annotations

import pytest
import sqlalchemy as sa

from flowcore.clock import SystemClock
from flowcore.database.tables import dag, import_error
from flowcore.domain.dag_files import FailedFile, FolderChanges, NewVersion
from flowcore.domain.dag_sources import DagSource
from flowcore.processor.storing import FolderStore, merged_changes
from flowcore.testing.faulty_database import DatabaseFault, FaultyDatabase
from tests.support.scheduling import Scene, open_scene, single


def made(path: str, *dag_ids: str, **fields: object) -> FolderChanges:
    source = DagSource.of("", path=path, folder="/dags")
    dags = [single(dag_id, fileloc=path, **fields) for dag_id in dag_ids]
    return FolderChanges(versions=[NewVersion.of(dag, source) for dag in dags], makes={path: dag_ids})


def failed(path: str) -> FolderChanges:
    return FolderChanges(failures=[FailedFile(fileloc=path, message="broken")])


def store_of(scene: Scene) -> FolderStore:
    return FolderStore(scene.database, SystemClock(), False)


async def active(scene: Scene) -> list[str]:
    rows = await scene.rows(sa.select(dag.c.dag_id).where(dag.c.is_active).order_by(dag.c.dag_id))
    return [row.dag_id for row in rows]


def test_of_changes_to_one_file_the_later_hold() -> None:
    merged = merged_changes([failed("/dags/a.py"), made("/dags/a.py", "a"), made("/dags/a.py", "b")])
    assert (merged.makes, merged.failures) == ({"/dags/a.py": {"b"}}, [])
    assert merged_changes([made("/dags/a.py", "a"), failed("/dags/a.py")]).failures


def test_of_two_files_with_one_dag_the_later_has_it() -> None:
    merged = merged_changes([made("/dags/b.py", "same"), made("/dags/a.py", "same")])
    assert [version.dag.fileloc for version in merged.versions] == ["/dags/a.py"]


async def test_files_are_stored_together(scene: Scene) -> None:
    before = scene.database.statistics().transactions
    await store_of(scene).store([made("/dags/a.py", "a"), made("/dags/b.py", "b"), failed("/dags/c.py")])
    assert scene.database.statistics().transactions - before == 1
    assert await active(scene) == ["a", "b"]


async def test_nothing_to_store_takes_no_transaction(scene: Scene) -> None:
    before = scene.database.statistics().transactions
    await store_of(scene).store([FolderChanges(), FolderChanges()])
    assert scene.database.statistics().transactions == before


async def test_many_dags_are_stored_in_several_transactions_before_others_are_retired(scene: Scene) -> None:
    store, ids = store_of(scene), [f"d{number:03}" for number in range(250)]
    await store.store([made("/dags/a.py", "gone", *ids[:1])])
    await store.store([made("/dags/a.py", *ids)])
    assert await active(scene) == ids


@pytest.mark.postgres
async def test_a_file_with_a_dag_that_cannot_be_kept_fails_alone(scene_postgres: str) -> None:
    bad = made("/dags/bad.py", "bad", max_active_runs=2**40)
    async with open_scene(scene_postgres) as scene:
        stored = await store_of(scene).store([made("/dags/a.py", "a"), bad, made("/dags/b.py", "b")])
        assert await active(scene) == ["a", "b"]
        [row] = await scene.rows(sa.select(import_error))
    assert row.fileloc == "/dags/bad.py"
    assert "Dag 'bad' cannot be stored" in row.message
    assert [version.dag.dag_id for version in stored.versions] == ["a", "b"]


@pytest.mark.slow
async def test_a_database_that_is_away_is_waited_for(scene: Scene) -> None:
    faulty = FaultyDatabase(scene.database)
    faulty.fault = DatabaseFault.AFTER_COMMIT
    await FolderStore(faulty, SystemClock(), False).store([made("/dags/a.py", "a")])
    assert await active(scene) == ["a"]

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import attrs
import pytest
import sqlalchemy as sa

from flowcore.clock import SystemClock
from flowcore.database.queries.listing_dags import list_dags, list_import_errors
from flowcore.database.tables import dag_version
from flowcore.errors import VariableNotFound
from flowcore.processor.service import DagFolder, FolderSettings
from flowcore.runner.processes.owner import ForkServer, open_fork_server
from tests.support.scheduling import Scene

pytestmark = pytest.mark.slow

SETTINGS = FolderSettings(poll_s=0.05, rest_s=0.1)


class NoSecrets:
    """Knows no variable."""

    async def variable(self, key: str) -> str:
        raise VariableNotFound(key, ("the test",))


@attrs.frozen
class Folder:
    """A Dag folder that a processor looks after."""

    path: Path
    processor: DagFolder
    scene: Scene

    def write(self, name: str, *dag_ids: str, head: str = "") -> Path:
        """Write a Dag file at once, as a careful editor does."""
        path = self.path / name
        path.parent.mkdir(exist_ok=True)
        body = "".join(f"globals()[{dag_id!r}] = DAG({dag_id!r})\n" for dag_id in dag_ids)
        path.with_suffix(".new").write_text(f"from flowcore.sdk import DAG, task\n{head}\n{body}")
        os.replace(path.with_suffix(".new"), path)
        self.processor.look_now()
        return path

    async def active(self) -> dict[str, bool]:
        return {listed.dag_id: listed.is_active for listed in await self.scene.database.read(list_dags)}

    async def known(self) -> set[str]:
        """What schedulers are told; that follows what is stored."""
        return set(self.processor.catalogue.dag_ids)

    async def failures(self) -> dict[str, str]:
        listed = await self.scene.database.read(list_import_errors)
        return {one.fileloc.removeprefix(f"{self.path}/"): one.message for one in listed}

    async def versions(self) -> int:
        return len(await self.scene.rows(sa.select(dag_version.c.id)))

    async def wait_until(self, condition: Callable[[], Awaitable[Any]], expected: object) -> None:
        with anyio.fail_after(20):
            while await condition() != expected:  # noqa: ASYNC110
                await anyio.sleep(0.02)


@asynccontextmanager
async def looked_after(
    path: Path, scene: Scene, server: ForkServer, settings: FolderSettings = SETTINGS
) -> AsyncIterator[Folder]:
    processor = DagFolder(
        str(path),
        scene.database,
        partial(nullcontext, server),
        NoSecrets(),  # type: ignore[arg-type]
        clock=SystemClock(),
        settings=settings,
    )
    async with anyio.create_task_group() as nursery:
        await nursery.start(processor.serve)
        yield Folder(path, processor, scene)
        nursery.cancel_scope.cancel()


@pytest.fixture
async def server() -> AsyncIterator[ForkServer]:
    async with open_fork_server() as server:
        yield server


@pytest.fixture
async def folder(tmp_path: Path, scene: Scene, server: ForkServer) -> AsyncIterator[Folder]:
    path = tmp_path / "dags"
    path.mkdir()
    async with looked_after(path, scene, server) as folder:
        yield folder


async def test_files_that_come_are_stored(folder: Folder) -> None:
    folder.write("one.py", "a", "b")
    folder.write("sub/two.py", "c")
    await folder.wait_until(folder.active, {"a": True, "b": True, "c": True})
    await folder.wait_until(folder.known, {"a", "b", "c"})


async def test_an_edited_file_makes_a_new_version(folder: Folder) -> None:
    folder.write("one.py", "a")
    await folder.wait_until(folder.versions, 1)
    folder.write("one.py", "a", head="x = 1")
    await folder.wait_until(folder.versions, 2)


async def test_a_dag_is_inactive_without_its_file_and_comes_back_with_it(folder: Folder) -> None:
    path = folder.write("one.py", "a")
    await folder.wait_until(folder.active, {"a": True})
    path.unlink()
    await folder.wait_until(folder.active, {"a": False})
    folder.write("one.py", "a")
    await folder.wait_until(folder.active, {"a": True})
    assert await folder.versions() == 1


async def test_a_file_that_fails_is_listed_until_it_is_mended(folder: Folder) -> None:
    folder.write("one.py", "a")
    await folder.wait_until(folder.active, {"a": True})
    folder.write("one.py", head="1 / 0")
    message = f"{folder.path}/one.py:2: ZeroDivisionError: division by zero; mend the file"
    await folder.wait_until(folder.failures, {"one.py": message})
    assert await folder.active() == {"a": True}
    folder.write("one.py", "a", head="x = 1")
    await folder.wait_until(folder.failures, {})


async def test_a_file_is_read_again_when_a_module_that_it_imports_changes(folder: Folder) -> None:
    (folder.path / "names.py").write_text("NAME = 'a'")
    folder.write("one.py", head="import names\ndag = DAG(names.NAME)")
    await folder.wait_until(folder.active, {"a": True})
    (folder.path / "names.py").write_text("NAME = 'longer'")
    await folder.wait_until(folder.active, {"a": False, "longer": True})


async def test_a_file_that_hangs_does_not_keep_others_from_being_read(
    tmp_path: Path, scene: Scene, server: ForkServer
) -> None:
    settings = attrs.evolve(SETTINGS, file_timeout_s=5.0)
    message = (
        f"{tmp_path}/hangs.py:2: it took too long to import; do less at import, or raise dag_file_timeout_s"
    )
    async with looked_after(tmp_path, scene, server, settings) as folder:
        folder.write("hangs.py", "a", head="import time; time.sleep(1000)")
        folder.write("one.py", "b")
        await folder.wait_until(folder.active, {"b": True})
        await folder.wait_until(folder.failures, {"hangs.py": message})


async def test_a_file_that_ends_the_fork_server_is_found_out(folder: Folder) -> None:
    folder.write("kills.py", "a", head="import os, time; os.kill(os.getppid(), 9); time.sleep(1000)")
    folder.write("one.py", "b")
    await folder.wait_until(folder.active, {"b": True})
    message = f"{folder.path}/kills.py: the fork server ended whenever it was imported; mend the file"
    await folder.wait_until(folder.failures, {"kills.py": message})


async def test_of_two_files_with_one_dag_the_second_is_told(folder: Folder) -> None:
    folder.write("b.py", "same")
    await folder.wait_until(folder.active, {"same": True})
    folder.write("a.py", "same", "other")
    await folder.wait_until(folder.active, {"other": True, "same": True})
    message = (
        f"{folder.path}/b.py makes a Dag 'same', and so does {folder.path}/a.py, which comes first; give one"
        " of them another dag_id"
    )
    await folder.wait_until(folder.failures, {"b.py": message})


async def test_what_changed_while_nobody_looked_is_noticed_at_the_start(
    tmp_path: Path, scene: Scene, server: ForkServer
) -> None:
    async with looked_after(tmp_path, scene, server) as folder:
        folder.write("gone.py", "gone")
        folder.write("broken.py", head="1 / 0")
        folder.write("kept.py", "kept")
        await folder.wait_until(folder.active, {"gone": True, "kept": True})
        await folder.processor.wait_settled()
    (tmp_path / "gone.py").unlink()
    (tmp_path / "broken.py").unlink()
    async with looked_after(tmp_path, scene, server) as folder:
        # Its runs can go on.
        assert folder.processor.catalogue.has_dag("gone")
        await folder.wait_until(folder.active, {"gone": False, "kept": True})
        await folder.wait_until(folder.failures, {})
        assert await folder.versions() == 2


async def test_all_files_of_a_folder_are_waited_for(tmp_path: Path, scene: Scene, server: ForkServer) -> None:
    for number in range(10):
        (tmp_path / f"f{number}.py").write_text(f"from flowcore.sdk import DAG\ndag = DAG('d{number}')")
    async with looked_after(tmp_path, scene, server) as folder:
        with anyio.fail_after(20):
            await folder.processor.wait_settled()
        assert len(await folder.active()) == 10


async def test_an_empty_folder_is_settled_at_once(folder: Folder) -> None:
    with anyio.fail_after(30):
        await folder.processor.wait_settled()


async def test_a_change_is_noticed_without_looking(tmp_path: Path, scene: Scene, server: ForkServer) -> None:
    pytest.importorskip("watchfiles")
    settings = attrs.evolve(SETTINGS, poll_s=1000.0)
    async with looked_after(tmp_path, scene, server, settings) as folder:
        await folder.processor.wait_settled()
        (tmp_path / "one.py").write_text("from flowcore.sdk import DAG\ndag = DAG('a')")
        await folder.wait_until(folder.active, {"a": True})

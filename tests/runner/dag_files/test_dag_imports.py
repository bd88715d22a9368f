from __future__ import annotations

import logging
import sys
import threading

import anyio
import pytest

from flowcore.domain.dag_sources import DagSource
from flowcore.errors import DagError, DatabaseUnavailable
from flowcore.runner.dag_files.dag_imports import DagImports


def source_of(text, name="file"):
    path = f"/dags/{name}.py"
    return DagSource.of(f"from flowcore.sdk import DAG, Variable\n{text}", path=path, folder="/dags")


class Reader:
    """Reads one source, and counts how often."""

    def __init__(self, source, error=None):
        self.source, self.error, self.reads = source, error, 0

    async def __call__(self):
        self.reads += 1
        await anyio.lowlevel.checkpoint()
        if self.error:
            raise self.error
        return self.source


@pytest.fixture
async def nursery():
    async with anyio.create_task_group() as nursery:
        yield nursery
        nursery.cancel_scope.cancel()


async def ids(imports, reader):
    return [dag.dag_id for dag in await imports.dags(reader.source.key, reader)]


async def test_version_is_read_and_imported_once(nursery):
    imports, reader = DagImports(nursery), Reader(source_of("a = DAG('a')"))
    async with anyio.create_task_group() as waiting:
        for _ in range(5):
            waiting.start_soon(ids, imports, reader)
    assert (await ids(imports, reader), reader.reads) == (["a"], 1)


async def test_import_goes_on_when_the_first_who_wanted_it_is_cancelled(nursery):
    imports, reader = DagImports(nursery), Reader(source_of("a = DAG('a')"))
    with anyio.CancelScope() as scope:
        scope.cancel()
        await ids(imports, reader)
    assert (await ids(imports, reader), reader.reads) == (["a"], 1)


@pytest.mark.parametrize("error", [None, DatabaseUnavailable("gone; wait")])
async def test_failure_is_told_and_not_kept(nursery, error):
    imports, reader = DagImports(nursery), Reader(source_of("1 / 0"), error)
    for _ in range(2):
        with pytest.raises(type(error) if error else DagError):
            await ids(imports, reader)
    assert reader.reads == 2


async def test_latest_used_versions_are_kept(nursery, tmp_path):
    imports = DagImports(nursery, size=2)
    readers = [Reader(source_of(f"a = DAG('a{number}')", f"{tmp_path.name}{number}")) for number in range(3)]
    before = set(sys.modules)
    for number in (0, 1, 0, 2, 0, 1):
        await ids(imports, readers[number])
    assert [reader.reads for reader in readers] == [1, 2, 1]
    assert len(set(sys.modules) - before) == 2


async def test_import_that_hangs_is_given_up_and_others_go_on(nursery):
    gate = threading.Event()
    sys.modules["gate_of_the_test"] = gate  # type: ignore[assignment]
    imports = DagImports(nursery, timeout_s=2.0)
    with pytest.raises(DagError, match=r"took longer than 2 s to import"):
        await ids(imports, Reader(source_of("import gate_of_the_test\ngate_of_the_test.wait()")))
    assert await ids(imports, Reader(source_of("a = DAG('a')"))) == ["a"]
    gate.set()
    del sys.modules["gate_of_the_test"]


async def test_file_finds_variables_of_the_environment_only_while_it_is_imported(nursery, monkeypatch):
    monkeypatch.setenv("FLOWCORE_VAR_NAME", "a")
    assert await ids(DagImports(nursery), Reader(source_of("a = DAG(Variable.get('name'))"))) == ["a"]


async def test_file_does_not_change_how_the_process_logs(nursery):
    before = list(logging.root.handlers)
    await ids(DagImports(nursery), Reader(source_of("import logging\nlogging.basicConfig(force=True)")))
    assert logging.root.handlers == before

from __future__ import annotations

import pytest
from fsspec import register_implementation
from fsspec.implementations.memory import MemoryFileSystem
from upath.implementations.memory import MemoryPath
from upath.registry import register_implementation as register_path

from flowcore.errors import ConnectionNotFound, UsageError
from flowcore.sdk import DAG, ObjectStoragePath, task


class Locked(MemoryFileSystem):
    """A storage in memory that wants a password."""

    protocol = ("locked",)

    def __init__(self, username, password):
        super().__init__()
        if password != "right":
            raise PermissionError(username)


register_implementation("locked", Locked)
register_path("locked", MemoryPath)


@pytest.fixture
def bucket(request):
    """A folder of a storage in memory, whose name nobody else uses."""
    return ObjectStoragePath(f"memory://{request.node.name}")


def test_it_is_a_path(bucket):
    path = bucket / "orders" / "2026.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("a,b\n")
    assert (path.exists(), path.read_text(), path.size()) == (True, "a,b\n", 4)
    assert [found.name for found in (bucket / "orders").iterdir()] == ["2026.csv"]
    with path.open("rb") as file:
        assert file.read() == path.read_block(0, None) == b"a,b\n"


def test_its_parts_are_named_as_in_clouds():
    path = ObjectStoragePath("memory://warehouse@bucket/orders/2026.csv")
    parts = path.conn_id, path.bucket, path.key, path.namespace
    assert parts == ("warehouse", "bucket", "orders/2026.csv", "memory://bucket")
    assert str(path) == "memory://bucket/orders/2026.csv"


def test_paths_made_of_it_have_its_connection():
    path = ObjectStoragePath("memory://bucket/orders", conn_id="warehouse")
    assert {(path / "a").conn_id, path.parent.conn_id, ObjectStoragePath(path, "a").conn_id} == {"warehouse"}
    assert path.samestore(path / "a")
    assert path != ObjectStoragePath("memory://bucket/orders")


def test_the_connection_is_looked_up_when_the_path_is_used(monkeypatch):
    path = ObjectStoragePath("locked://store@bucket/a.txt")
    with pytest.raises(ConnectionNotFound, match="store"):
        path.write_text("x")
    monkeypatch.setenv("FLOWCORE_CONN_STORE", "generic://me:wrong@")
    with pytest.raises(PermissionError):
        path.write_text("x")
    monkeypatch.setenv("FLOWCORE_CONN_STORE", "generic://me:right@")
    path.write_text("x")
    assert (path.read_text(), isinstance(path.fs, Locked)) == ("x", True)


def test_files_and_folders_are_copied_between_storages(bucket, tmp_path):
    local = ObjectStoragePath(str(tmp_path))
    (local / "a.txt").write_text("A")
    (local / "a.txt").copy(bucket / "a.txt")
    (bucket / "a.txt").copy(bucket / "b.txt")
    (bucket / "b.txt").move(local / "c.txt")
    assert ((local / "c.txt").read_text(), (bucket / "b.txt").exists()) == ("A", False)


def test_folders_are_copied_through_this_process_where_storages_differ(bucket):
    other = ObjectStoragePath(str(bucket) + "-other", conn_id="nobody", skip_instance_cache=True)
    (bucket / "in").mkdir(parents=True)
    (bucket / "in" / "a.txt").write_text("A")
    with pytest.raises(UsageError, match="recursive=True"):
        (bucket / "in").copy(other)
    pairs = [(str(source), str(target)) for source, target in (bucket / "in")._pairs(other, True)]
    assert pairs == [(f"{bucket}/in/a.txt", f"{other}/a.txt")]


def test_tasks_hand_it_on(bucket):
    with DAG("storing") as dag:

        @task
        def write():
            path = bucket / "a.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("A")
            return path

        @task
        def read(path):
            return path.read_text()

        read(write())
    ended = dag.test()
    assert (ended.tasks["read"].returned, ended.tasks["write"].returned) == ("A", bucket / "a.txt")

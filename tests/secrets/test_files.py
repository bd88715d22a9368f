from __future__ import annotations

import json
import os
from pathlib import Path

import anyio
import pytest

from flowcore.domain.connections import parse_connection
from flowcore.errors import SecretsGarbled, SecretsUnavailable
from flowcore.secrets.files import FilesBackend

FIELDS = {"conn_type": "http", "host": "Host", "password": "planted", "port": 80}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "secrets.json"


def backend_of(path: Path, entry: object) -> FilesBackend:
    path.write_text(json.dumps({"a": entry}))
    return FilesBackend(connections_file_path=str(path), variables_file_path=str(path))


def rewrite(path: Path, text: str, encoding: str = "utf-8") -> None:
    path.write_text(text, encoding)
    os.utime(path, ns=(1, 1))  # the two writes may fall into one tick of the file system's clock


class Notices:
    """Counts how often it is called."""

    def __init__(self) -> None:
        self.count, self._changed = 0, anyio.Event()

    def __call__(self) -> None:
        self.count += 1
        self._changed.set()
        self._changed = anyio.Event()

    async def wait_for(self, count: int) -> None:
        with anyio.fail_after(30):
            while self.count < count:
                await self._changed.wait()


@pytest.mark.parametrize(
    "entry", ["http://host", ["http://host"], {"uri": "http://host"}, [{"uri": "http://host"}]]
)
async def test_a_connection_may_be_a_uri(path: Path, entry: object) -> None:
    assert await backend_of(path, entry).get_connection("a") == "http://host"


@pytest.mark.parametrize("more", [{"extra": {"k": 1}}, {"extra_dejson": {"k": 1}}, {"extra": '{"k": 1}'}])
async def test_a_connection_may_be_an_object(path: Path, more: dict[str, object]) -> None:
    text = await backend_of(path, {**FIELDS, **more, "conn_id": "a"}).get_connection("a")
    assert text is not None
    found = parse_connection("a", text)
    assert (found.host, found.password, found.port, found.extra_dejson) == ("Host", "planted", 80, {"k": 1})


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        (None, "no URI and no object"),
        (5, "no URI and no object"),
        (["http://a", "http://planted"], "no URI and no object"),
        ({**FIELDS, "passwort": "planted"}, "unknown keys \\(passwort\\)"),
        ({**FIELDS, "conn_id": "b"}, "another conn_id"),
        ({**FIELDS, "extra": {"a": 1}, "extra_dejson": {"a": 1}}, "extra and extra_dejson"),
        ({"host": "planted"}, "no conn_type"),
    ],
)
async def test_other_entries_are_garbled(path: Path, entry: object, complaint: str) -> None:
    with pytest.raises(SecretsGarbled, match=f"'files' cannot look up 'a'.*{complaint}") as caught:
        await backend_of(path, entry).get_connection("a")
    assert "planted" not in str(caught.value)


@pytest.mark.parametrize(("entry", "text"), [("x", "x"), (3, "3"), ({"k": None}, '{"k": null}'), ("", "")])
async def test_a_variable_is_a_text_or_json(path: Path, entry: object, text: str) -> None:
    assert await backend_of(path, entry).get_variable("a") == text


async def test_a_file_that_changed_is_read_again(path: Path) -> None:
    backend = backend_of(path, "old")
    assert await backend.get_variable("a") == "old"
    rewrite(path, '{"a": "new"}')
    assert await backend.get_variable("a") == "new"


async def test_a_change_is_noticed(path: Path) -> None:
    backend = FilesBackend(variables_file_path=str(path), poll_s=0.001)
    noticed = Notices()
    async with anyio.create_task_group() as nursery:
        nursery.start_soon(backend.watch, noticed)
        await noticed.wait_for(1)  # there is no file yet
        rewrite(path, "{}")
        await noticed.wait_for(2)
        rewrite(path, '{"a": "new"}')
        await noticed.wait_for(3)
        nursery.cancel_scope.cancel()


async def test_a_file_that_is_not_there_is_an_error_and_no_miss(path: Path) -> None:
    with pytest.raises(SecretsUnavailable, match="No such file"):
        await FilesBackend(variables_file_path=str(path)).get_variable("a")


async def test_a_file_that_is_no_text_is_garbled(path: Path) -> None:
    backend_of(path, "")
    rewrite(path, "ü", encoding="latin-1")
    with pytest.raises(SecretsGarbled, match="no UTF-8"):
        await FilesBackend(variables_file_path=str(path)).get_variable("a")


async def test_without_a_file_everything_is_a_miss() -> None:
    assert await FilesBackend().get_connection("a") is None

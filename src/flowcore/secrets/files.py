"""Connections and variables from local files, read again whenever they change."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from flowcore.domain.connections import connection_of
from flowcore.errors import ConnectionInvalid, SecretsError, SecretsGarbled, SecretsUnavailable
from flowcore.secrets.file_formats import FileUnreadable, parse_entries

_Stamp = tuple[int, int, int]


class FilesBackend:
    """Implements `flowcore.abc.WatchedSecretsBackend`, with the arguments of Airflow's local files backend.

    Args:
        connections_file_path: Each entry is a URI, or an object with the keys of a connection.
        variables_file_path: Each entry is a text; anything else becomes the text of its JSON.
        poll_s: Seconds after which it is looked whether a file has changed.
    """

    name = "files"

    def __init__(
        self,
        *,
        connections_file_path: str | None = None,
        variables_file_path: str | None = None,
        poll_s: float = 1.0,
    ) -> None:
        self._poll_s = poll_s
        self._connections = _WatchedFile(connections_file_path, connection_text)
        self._variables = _WatchedFile(variables_file_path, variable_text)

    async def get_connection(self, conn_id: str) -> str | None:
        return await anyio.to_thread.run_sync(_find, self.name, self._connections, conn_id)

    async def get_variable(self, key: str) -> str | None:
        return await anyio.to_thread.run_sync(_find, self.name, self._variables, key)

    async def watch(self, notice: Callable[[], None]) -> None:
        # Polled: what tells of changes by itself does not hear of those on network file systems.
        seen = None
        while True:
            stamps = await anyio.to_thread.run_sync(self._stamps)
            if stamps != seen:
                seen = stamps
                notice()
            await anyio.sleep(self._poll_s)

    async def aclose(self) -> None:
        """No file is kept open."""

    def _stamps(self) -> tuple[_Stamp | None, ...]:
        return self._connections.stamp(), self._variables.stamp()


class _WatchedFile:
    """The entries of a file as texts. Used by worker threads."""

    def __init__(self, path: str | None, text_of: Callable[[str, Any], str]) -> None:
        self._path = Path(path) if path else None
        self._text_of = text_of
        self._lock = threading.Lock()
        self._read: tuple[_Stamp, Mapping[str, Any]] | None = None

    def find(self, name: str) -> str | None:
        if self._path is None:
            return None
        with self._lock:
            entries = self._entries(self._path)
        return self._text_of(name, entries[name]) if name in entries else None

    def stamp(self) -> _Stamp | None:
        """What is different after a change; None when there is no file."""
        try:
            return _stamp_of(self._path) if self._path else None
        except OSError:
            return None

    def _entries(self, path: Path) -> Mapping[str, Any]:
        stamp = _stamp_of(path)
        if self._read is None or self._read[0] != stamp:
            self._read = stamp, parse_entries(path, path.read_text("utf-8"))
        return self._read[1]


def _stamp_of(path: Path) -> _Stamp:
    stat = path.stat()
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def _find(backend: str, file: _WatchedFile, name: str) -> str | None:
    try:
        return file.find(name)
    except OSError as error:
        failure: SecretsError = SecretsUnavailable(
            backend, name, f"{error}; create the file or let it be read"
        )
    except (FileUnreadable, ConnectionInvalid) as error:
        failure = SecretsGarbled(backend, name, str(error))
    except UnicodeDecodeError:
        failure = SecretsGarbled(backend, name, "the file is no UTF-8; save it as such")
    raise failure


def connection_text(conn_id: str, entry: Any) -> str:
    """The text of a connection from its entry in a file.

    Raises:
        FileUnreadable, ConnectionInvalid: the entry is none; never quotes it.
    """
    if isinstance(entry, list) and len(entry) == 1:
        [entry] = entry
    if isinstance(entry, dict) and entry.keys() == {"uri"}:
        entry = entry["uri"]
    if isinstance(entry, str):
        return entry
    if not isinstance(entry, dict):
        raise FileUnreadable(f"its entry is no URI and no object; write one, such as {conn_id}: http://host")
    return json.dumps(connection_of(conn_id, _with_airflows_keys(conn_id, entry)).to_document())


def _with_airflows_keys(conn_id: str, entry: Mapping[str, Any]) -> Mapping[str, Any]:
    if entry.get("conn_id", conn_id) != conn_id:
        raise FileUnreadable("its entry has another conn_id; remove that, the name of the entry counts")
    if entry.get("extra") and entry.get("extra_dejson"):
        raise FileUnreadable("its entry has extra and extra_dejson; remove one of them")
    others = {key: value for key, value in entry.items() if key not in ("conn_id", "extra", "extra_dejson")}
    return {**others, "extra": entry.get("extra") or entry.get("extra_dejson")}


def variable_text(key: str, entry: Any) -> str:
    """The text of a variable from its entry in a file."""
    return entry if isinstance(entry, str) else json.dumps(entry)

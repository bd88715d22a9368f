"""`ObjectXComs`: large XComs as files or objects in a cloud's storage; small ones stay in the database.

What the database keeps of a large one is a reference, relative to the folder that the operator named:
`{"__flowcore_object__": "dag_id=etl/run_id=…/task_id=extract/map_index=-1/token=3/5f0c….json"}`. A folder
belongs to one try, so a later one removes what those before it left.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any
from urllib.parse import quote

from flowcore.domain.xcoms import XComPlace
from flowcore.errors import SettingsError, XComUnavailable
from flowcore.runner.xcoms.values import PLAIN_VALUES, XComValues

_REFERENCE = "__flowcore_object__"


class ObjectXComs:
    """Implements `flowcore.abc.XComBackend` with fsspec.

    Args:
        path: The folder, as a path or a URL that fsspec knows: `/srv/xcoms`, `s3://bucket/xcoms`.
        threshold: Bytes of JSON from which on a value is written there; 0: all of them.
        compression: How objects are compressed, such as `gzip`; None: not at all.
        storage_options: Further arguments for fsspec's file system: credentials, endpoints.
        values: How values become texts; not from `xcom_backend_kwargs`.

    Raises:
        SettingsError: fsspec is not installed.
    """

    waits = True

    def __init__(
        self,
        path: str,
        *,
        threshold: int = 1_000_000,
        compression: str | None = None,
        storage_options: Mapping[str, Any] | None = None,
        values: XComValues = PLAIN_VALUES,
    ) -> None:
        if find_spec("fsspec") is None:
            raise SettingsError(
                "the XCom backend 'objects' needs fsspec; run `pip install 'flowcore[xcom-objects]'`"
            )
        self._path, self._threshold, self._compression = path, threshold, compression
        self._values = values
        self._storage_options = dict(storage_options or {})

    def serialize(self, value: Any, place: XComPlace) -> Any:
        text = self._values.dumps(value)
        # What looks like a reference is written out, so that nobody can refer to what is not theirs.
        if len(text) < self._threshold and not _is_reference(value):
            return value
        reference = f"{_folder(place)}/token={place.token}/{uuid.uuid4().hex}.json"
        try:
            self._write(reference, text)
        except Exception as error:
            raise self._unavailable(f"XCom {place.key!r} cannot be written to", reference, error) from error
        return {_REFERENCE: reference}

    def deserialize(self, stored: Any) -> Any:
        if not _is_reference(stored):
            return stored
        reference = stored[_REFERENCE]
        try:
            files, root = self._files()
            with files.open(f"{root}/{reference}", "rb", compression=self._compression) as file:
                return self._values.loads(file.read().decode())
        except Exception as error:
            raise self._unavailable("an XCom cannot be read from", reference, error) from error

    def purge(self, place: XComPlace) -> None:
        files, root = self._files()
        folder = f"{root}/{_folder(place)}"
        if not files.isdir(folder):
            return
        own = f"token={place.token}"
        for entry in files.ls(folder, detail=False):
            if entry.rstrip("/").rpartition("/")[2] != own:
                files.rm(entry, recursive=True)

    def _write(self, reference: str, text: str) -> None:
        files, root = self._files()
        path = f"{root}/{reference}"
        files.makedirs(path.rpartition("/")[0], exist_ok=True)
        with files.open(path, "wb", compression=self._compression) as file:
            file.write(text.encode())

    def _files(self) -> tuple[Any, str]:
        # Imported here because most values are small, and a process that has none can do without.
        from fsspec.core import url_to_fs

        files, root = url_to_fs(self._path, **self._storage_options)
        return files, root.rstrip("/")

    def _unavailable(self, what: str, reference: str, error: Exception) -> XComUnavailable:
        return XComUnavailable(
            f"{what} {self._path}/{reference}: {type(error).__name__}: {error}; see to the storage, or mend"
            " xcom_backend_kwargs"
        )


def _folder(place: XComPlace) -> str:
    # With a name before it, no id can lead out of the folder.
    names = ("dag_id", "run_id", "task_id", "map_index")
    return "/".join(f"{name}={quote(str(getattr(place, name)), safe='')}" for name in names)


def _is_reference(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get(_REFERENCE), str)

"""`ObjectStoragePath`: a path in a cloud's storage or on a disk, with the methods of `pathlib.Path`.

It is a `universal_pathlib.UPath` that knows its connection: `ObjectStoragePath("s3://warehouse@bucket/orders")`
reads with the login of connection `warehouse`, which is looked up when the path is first used, and not
while the Dag file is read. Tasks hand it on as an XCom.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

from flowcore.domain.connections import Connection as ConnectionFields
from flowcore.errors import UsageError
from flowcore.sdk.connections import Connection
from flowcore.sdk.storage_options import storage_options

try:
    from fsspec import AbstractFileSystem, filesystem
    from upath.extensions import ProxyUPath
except ImportError as error:
    raise ImportError(
        f"ObjectStoragePath needs universal-pathlib ({error}); run `pip install 'flowcore[object-storage]'`"
    ) from error


class _LaterFileSystem:
    """A file system that is opened with what its connection says when it is first used."""

    def __init__(self, protocol: str, conn_id: str, options: Mapping[str, Any]) -> None:
        self.conn_id = conn_id
        self._protocol, self._options = protocol, options

    def opened(self) -> AbstractFileSystem:
        if "_opened" not in vars(self):
            connection: ConnectionFields = Connection.get(self.conn_id)
            options = {**storage_options(self._protocol, connection), **self._options}
            self._opened = filesystem(self._protocol, **options)
        return self._opened

    def __getattr__(self, name: str) -> Any:
        # What begins so is asked by Python itself, of an object that may not be finished yet.
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.opened(), name)


class ObjectStoragePath(ProxyUPath):
    """A path with a connection.

    Args:
        args: A URL such as `s3://conn_id@bucket/key`, or another path, and what is appended to it.
        protocol: The scheme, where the URL has none.
        conn_id: The connection, stronger than that of the URL; None: the environment's login. Files of this
            machine are opened without one.
        storage_options: Further arguments for fsspec's file system, stronger than the connection's.

    Raises:
        UsageError: the first argument is no path.
    """

    __slots__ = ()
    __version__: ClassVar[int] = 1
    sep: ClassVar[str] = "/"

    def __init__(
        self, *args: Any, protocol: str | None = None, conn_id: str | None = None, **storage_options: Any
    ) -> None:
        if args and isinstance(args[0], ObjectStoragePath):
            conn_id = conn_id or args[0].conn_id
            args = (args[0].__wrapped__, *args[1:])
        elif args:
            url, of_url = _parted(args[0])
            args, conn_id = (url, *args[1:]), conn_id or of_url
        super().__init__(*args, protocol=protocol, **storage_options)
        if conn_id is not None:
            self.__wrapped__._fs_cached = _LaterFileSystem(self.protocol, conn_id, storage_options)

    @property
    def conn_id(self) -> str | None:
        """The connection that it is reached with."""
        # Paths that are made of this one, by `/` or iteration, have its file system, too.
        return getattr(getattr(self.__wrapped__, "_fs_cached", None), "conn_id", None)

    @property
    def fs(self) -> AbstractFileSystem:
        """The file system; looks the connection up."""
        found = self.__wrapped__.fs
        return found.opened() if isinstance(found, _LaterFileSystem) else found

    @property
    def bucket(self) -> str:
        """The bucket or container; empty on a disk."""
        return urlsplit(str(self)).netloc

    container = bucket

    @property
    def key(self) -> str:
        """The path in its bucket."""
        return urlsplit(str(self)).path.lstrip(self.sep)

    @property
    def namespace(self) -> str:
        """Scheme and bucket."""
        return f"{self.protocol}://{self.bucket}" if self.bucket else self.protocol

    def __eq__(self, other: object) -> bool:
        return self.samestore(other) and str(self) == str(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((self.protocol, self.conn_id, str(self)))

    def samestore(self, other: object) -> bool:
        """Whether the other is reached in the same way, so that files can be copied without reading them."""
        return isinstance(other, ObjectStoragePath) and (self.protocol, self.conn_id) == (
            other.protocol,
            other.conn_id,
        )

    def size(self) -> int:
        """The size of the file in bytes."""
        return int(self.fs.size(self.path))

    def checksum(self) -> Any:
        """What changes when the file does."""
        return self.fs.checksum(self.path)

    def ukey(self) -> str:
        """The same as a text."""
        return str(self.fs.ukey(self.path))

    def read_block(self, offset: int, length: int | None, delimiter: bytes | None = None) -> bytes:
        """Some bytes of the file; with a delimiter whole records."""
        return bytes(self.fs.read_block(self.path, offset=offset, length=length, delimiter=delimiter))

    def sign(self, expiration: int = 100, **options: Any) -> str:
        """A URL for who has no login, valid for so many seconds.

        Raises:
            NotImplementedError: the storage has no such URLs.
        """
        return str(self.fs.sign(self.path, expiration=expiration, **options))

    def copy(self, dst: str | ObjectStoragePath, recursive: bool = False, **options: Any) -> None:  # type: ignore[override]
        """Copy a file, or with `recursive` a folder, within a storage or into another one."""
        target = ObjectStoragePath(dst)
        if self.samestore(target):
            self.fs.copy(self.path, target.path, recursive=recursive, **options)
        elif self.protocol in ("", "file"):
            target.fs.put(self.path, target.path, recursive=recursive, **options)
        elif target.protocol in ("", "file"):
            self.fs.get(self.path, target.path, recursive=recursive, **options)
        else:
            for source, destination in self._pairs(target, recursive):
                destination.parent.mkdir(parents=True, exist_ok=True)
                with source.open("rb") as read, destination.open("wb") as written:
                    shutil.copyfileobj(read, written)

    def move(self, dst: str | ObjectStoragePath, recursive: bool = False, **options: Any) -> None:  # type: ignore[override]
        """Copy it, and remove what was copied."""
        self.copy(dst, recursive=recursive, **options)
        self.fs.rm(self.path, recursive=recursive)

    def _pairs(
        self, target: ObjectStoragePath, recursive: bool
    ) -> Iterator[tuple[ObjectStoragePath, ObjectStoragePath]]:
        if self.is_file():
            yield self, target / self.name if target.is_dir() else target
        elif recursive:
            for found in self.rglob("*"):
                if found.is_file():
                    yield found, target / str(found.relative_to(self))
        else:
            raise UsageError(f"{self} is a folder or does not exist; copy folders with recursive=True")

    def serialize(self) -> dict[str, Any]:
        """What an XCom keeps of it: the name of its connection and no login, unless the author gave one."""
        return {"path": str(self), "conn_id": self.conn_id, "kwargs": dict(self.storage_options)}

    @classmethod
    def deserialize(cls, data: Mapping[str, Any], version: int) -> ObjectStoragePath:
        """The path that `serialize` told of."""
        if version > cls.__version__:
            raise ValueError(f"version {version} of a path was written by a newer flowcore")
        return cls(data["path"], conn_id=data["conn_id"], **data["kwargs"])


def _parted(path: Any) -> tuple[Any, str | None]:
    """A URL without the connection that it names, and that."""
    if not isinstance(path, str):
        return path, None
    parts = urlsplit(path)
    conn_id, _, host = parts.netloc.rpartition("@")
    return parts._replace(netloc=host).geturl() if conn_id else path, conn_id or None

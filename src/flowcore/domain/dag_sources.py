"""`DagSource`: one version of one Dag file, as any process can import it without reading the folder."""

from __future__ import annotations

import hashlib
import os

import attrs


@attrs.frozen(kw_only=True)
class DagSource:
    """The text of a Dag file as it was when a Dag version was stored.

    `path` and `folder` are absolute and need not exist any more: they become `__file__` and the place
    that the file imports from. `digest` is that of the text, and of the modules of the folder that it
    imports where these are known.
    """

    path: str
    folder: str
    text: str = attrs.field(repr=False)
    digest: str

    @classmethod
    def of(cls, text: str, *, path: str, folder: str) -> DagSource:
        """The source with the digest that its text has."""
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        return cls(path=path, folder=folder, text=text, digest=digest)

    @property
    def place(self) -> str:
        """The path below the folder, with `/` in it: the same wherever the folder is."""
        return os.path.relpath(self.path, self.folder).replace(os.sep, "/")

    @property
    def key(self) -> tuple[str, str]:
        """What imports of it may be kept by: the same text elsewhere may make other Dags."""
        return self.path, self.digest

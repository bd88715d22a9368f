"""The versions of Dag files that a warm worker has imported, the latest used kept.

A file is imported in a thread, so that the tries on the loop go on meanwhile. One import at a time:
`sys.path` is changed by it. One that hangs is given up, and goes on in its thread.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import anyio
import attrs
from anyio.abc import TaskGroup

from flowcore.concurrency.thread_calls import ThreadCall
from flowcore.domain.dag_sources import DagSource
from flowcore.errors import DagError, FlowcoreError
from flowcore.runner.dag_files.imported_dags import import_dags
from flowcore.sdk.comms.environment import EnvironmentComms
from flowcore.sdk.comms.questions import Comms, current_comms
from flowcore.sdk.dags import DAG
from flowcore.sdk.loading import forget_dag_source

SourceKey = tuple[str, str]
Read = Callable[[], Awaitable[DagSource]]


@attrs.define(eq=False)
class _Import:
    """One version; there are `dags` or an `error` when `over` is set."""

    over: anyio.Event = attrs.field(factory=anyio.Event)
    source: DagSource | None = None
    dags: Sequence[DAG] = ()
    error: FlowcoreError | None = None


class DagImports:
    """Imports in `nursery`, so that an import that several wait for ends with none of them.

    Args:
        nursery: Where imports are children.
        size: How many versions are kept.
        timeout_s: How long one may take to import.
        comms: Whom files ask for variables and connections; by default the environment.
    """

    def __init__(
        self, nursery: TaskGroup, *, size: int = 64, timeout_s: float = 30.0, comms: Comms | None = None
    ) -> None:
        self._nursery, self._size, self._timeout_s = nursery, size, timeout_s
        self._comms = comms or EnvironmentComms()
        self._imports: dict[SourceKey, _Import] = {}
        self._turn = anyio.Lock()

    async def dags(self, key: SourceKey, read: Read) -> Sequence[DAG]:
        """The Dags of a version, which is read and imported if it is not there.

        Raises:
            DagError: It cannot be imported.
            FlowcoreError: It cannot be read.
        """
        found = self._imports.pop(key, None)
        if found is None:
            found = _Import()
            self._nursery.start_soon(self._import, key, read, found)
        self._imports[key] = found
        await found.over.wait()
        if found.error is not None:
            raise found.error
        return found.dags

    async def _import(self, key: SourceKey, read: Read, importing: _Import) -> None:
        try:
            importing.source = await read()
            async with self._turn:
                importing.dags = await self._imported(importing.source)
        except FlowcoreError as error:
            importing.error = error
            # The next one who asks tries again: what went wrong may have been a neighbour's fault.
            self._imports.pop(key, None)
        finally:
            importing.over.set()
        self._make_room()

    async def _imported(self, source: DagSource) -> Sequence[DAG]:
        with anyio.move_on_after(self._timeout_s), current_comms(self._comms):
            dags: Sequence[DAG] = await ThreadCall(import_dags, source).run()
            return dags
        raise DagError(
            f"{source.path} took longer than {self._timeout_s:g} s to import; do what takes long in tasks,"
            " not while the file is read"
        )

    def _make_room(self) -> None:
        settled = [key for key, found in self._imports.items() if found.over.is_set()]
        for key in settled[: max(0, len(self._imports) - self._size)]:
            source = self._imports.pop(key).source
            if source is not None:
                forget_dag_source(source)

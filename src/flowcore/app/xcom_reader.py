"""Reads XComs for tries of this process: what piles up during one query is read by the next."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Generic, TypeVar

import anyio
import attrs
import sqlalchemy as sa

from flowcore.database.engine import Database
from flowcore.database.queries.finding_xcoms import (
    IndexedText,
    XComName,
    count_xcoms,
    find_xcoms,
    search_xcoms,
    slice_xcoms,
)
from flowcore.database.queries.run_views import XComAddress, pull_xcoms
from flowcore.sdk.references import XComKey

K = TypeVar("K", bound=tuple[object, ...])
V = TypeVar("V")


class XComReader:
    """`runner.sources.XComSource` on a database; hundreds of tries that start at once cost one query."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._exact: _Batches[XComAddress, str] = _Batches(database, pull_xcoms)
        self._by_name: _Batches[XComName, Sequence[IndexedText]] = _Batches(database, find_xcoms)

    async def pull(self, dag_run_id: int, keys: Sequence[XComKey]) -> Mapping[XComKey, str]:
        """Return the JSON texts of the keys that were pushed."""
        addresses = {(dag_run_id, *key): key for key in keys}
        values = await self._exact.read(set(addresses))
        return {key: values[address] for address, key in addresses.items() if address in values}

    async def find(
        self, dag_run_id: int, task_ids: Sequence[str], key: str
    ) -> Mapping[str, Sequence[IndexedText]]:
        """Return what tasks of the run pushed, in all their instances."""
        named = {(dag_run_id, task_id, key): task_id for task_id in task_ids}
        values = await self._by_name.read(set(named))
        return {task_id: values[name] for name, task_id in named.items() if name in values}

    async def count(self, dag_run_id: int, task_id: str, key: str) -> int:
        """Return how many instances of a task succeeded and pushed something."""
        return await self._database.read(count_xcoms, (dag_run_id, task_id, key))

    async def slice(
        self, dag_run_id: int, task_id: str, key: str, *, start: int, limit: int
    ) -> Sequence[IndexedText]:
        """Return some of these."""
        unit = partial(slice_xcoms, name=(dag_run_id, task_id, key), start=start, limit=limit)
        return await self._database.read(unit)

    async def search(
        self, dag_id: str, run_id: str, task_ids: Sequence[str], *, key: str, until: datetime | None
    ) -> Mapping[str, Sequence[IndexedText]]:
        """Return the same of any run; see `SearchXComs`."""
        unit = partial(search_xcoms, dag_id=dag_id, run_id=run_id, task_ids=task_ids, key=key, until=until)
        return await self._database.read(unit)


@attrs.define(eq=False)
class _Batch(Generic[K, V]):
    wanted: set[K] = attrs.field(factory=set)
    values: Mapping[K, V] | None = None
    error: Exception | None = None
    is_done: bool = False


class _Batches(Generic[K, V]):
    """Reads values by key with one unit, which takes any number of keys."""

    def __init__(
        self, database: Database, unit: Callable[[sa.Connection, Sequence[K]], Mapping[K, V]]
    ) -> None:
        self._database, self._unit = database, unit
        self._next: _Batch[K, V] = _Batch()
        self._reading = anyio.Lock()

    async def read(self, wanted: set[K]) -> Mapping[K, V]:
        """What there is of these keys, and maybe of others."""
        while True:
            batch = self._next
            batch.wanted |= wanted
            async with self._reading:
                # Whoever has the lock first reads for everybody who came since; a reader that is
                # cancelled leaves its batch undone, and the next one in line starts over.
                if not batch.is_done:
                    self._next = _Batch()
                    await self._fill(batch)
            if batch.values is not None:
                return batch.values
            if batch.error is not None:
                raise batch.error

    async def _fill(self, batch: _Batch[K, V]) -> None:
        try:
            batch.values = await self._database.read(self._unit, sorted(batch.wanted))
        except Exception as error:
            batch.error = error
        finally:
            batch.is_done = True

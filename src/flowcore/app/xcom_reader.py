"""Reads XComs for tries of this process: what piles up during one query is read by the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import anyio
import attrs

from flowcore.database.engine import Database
from flowcore.database.queries.run_views import XComAddress, pull_xcoms
from flowcore.sdk.references import XComKey


@attrs.define(eq=False)
class _Batch:
    wanted: set[XComAddress] = attrs.field(factory=set)
    values: Mapping[XComAddress, str] | None = None
    error: Exception | None = None
    is_done: bool = False


class XComReader:
    """`runner.sources.XComSource` on a database; hundreds of tries that start at once cost one query."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._next = _Batch()
        self._reading = anyio.Lock()

    async def pull(self, dag_run_id: int, keys: Sequence[XComKey]) -> Mapping[XComKey, str]:
        """Return the JSON texts of the keys that were pushed."""
        addresses = {(dag_run_id, *key): key for key in keys}
        values = await self._read(set(addresses))
        return {key: values[address] for address, key in addresses.items() if address in values}

    async def _read(self, addresses: set[XComAddress]) -> Mapping[XComAddress, str]:
        while True:
            batch = self._next
            batch.wanted |= addresses
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

    async def _fill(self, batch: _Batch) -> None:
        try:
            batch.values = await self._database.read(pull_xcoms, sorted(batch.wanted))
        except Exception as error:
            batch.error = error
        finally:
            batch.is_done = True

"""Keeps state of tasks and assets beyond tries: in the database, or for tries outside of runs nowhere."""

from __future__ import annotations

from functools import partial

from flowcore.database.engine import Database
from flowcore.database.queries import state_stores
from flowcore.domain.state_owners import StateOwner
from flowcore.domain.workloads import Workload


class StateStores:
    """`runner.sources.StateSource` on a database.

    Args:
        database: Where it is kept.
        retention_s: Seconds for which a task instance's is kept when the task does not say; None: forever.
    """

    def __init__(self, database: Database, *, retention_s: float | None) -> None:
        self._database, self._retention_s = database, retention_s

    async def get(self, asker: Workload, key: str, owner: StateOwner) -> str | None:
        return await self._database.read(state_stores.get_state, asker, key, owner)

    async def set(
        self,
        asker: Workload,
        key: str,
        text: str,
        owner: StateOwner,
        *,
        retention_s: float | None,
        never_expires: bool,
    ) -> None:
        kept_s = None if never_expires else retention_s or self._retention_s
        unit = partial(state_stores.set_state, asker=asker, key=key, text=text, owner=owner, kept_s=kept_s)
        await self._database.run(unit)

    async def delete(self, asker: Workload, key: str | None, owner: StateOwner) -> None:
        await self._database.run(partial(state_stores.delete_state, asker=asker, key=key, owner=owner))


class UnstoredStates:
    """The same for one try that belongs to no run: it reads what it wrote, and nothing of it stays."""

    def __init__(self) -> None:
        self._texts: dict[StateOwner, dict[str, str]] = {}

    async def get(self, asker: Workload, key: str, owner: StateOwner) -> str | None:
        return self._texts.get(owner, {}).get(key)

    async def set(self, asker: Workload, key: str, text: str, owner: StateOwner, **kept: object) -> None:
        self._texts.setdefault(owner, {})[key] = text

    async def delete(self, asker: Workload, key: str | None, owner: StateOwner) -> None:
        of_owner = self._texts.get(owner, {})
        for name in list(of_owner) if key is None else [key]:
            of_owner.pop(name, None)

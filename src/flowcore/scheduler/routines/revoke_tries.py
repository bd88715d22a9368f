"""Tries that are no longer wanted → stopped. Whoever changed their task instances has decided that."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import attrs

from flowcore.abc import Executor
from flowcore.scheduler.store import Batch, RevokedTry, Store
from flowcore.scheduler.wake_graph import RoutineName

#: How soon it looks again for a try that no executor has: its claim has just been committed and it is
#: about to be submitted, or its end is about to be written.
_IN_PASSING = timedelta(milliseconds=100)


@attrs.define
class RevokeTries:
    """Tells executors to stop tries, each of them once; what they report then lets the row go."""

    store: Store
    executors: Mapping[str, Executor]
    name: RoutineName = RoutineName.REVOKE_TRIES
    _told: frozenset[tuple[int, int]] = frozenset()

    async def step(self, now: datetime) -> Batch:
        """Look at the revoked tries of this process and stop those that are new."""
        revoked = {(one.task_instance_id, one.token): one for one in await self.store.revoked_tries()}
        stopped = [key for key in revoked.keys() - self._told if self._stop(revoked[key])]
        self._told = (self._told & revoked.keys()) | set(stopped)
        in_passing = len(self._told) < len(revoked)
        return Batch(moved=len(stopped), next_at=now + _IN_PASSING if in_passing else None)

    def _stop(self, revoked: RevokedTry) -> bool:
        return any(
            executor.cancel(revoked.task_instance_id, revoked.token, revoked.reason)
            for executor in self.executors.values()
        )

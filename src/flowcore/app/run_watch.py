"""Tells everybody who waits for a run when it has ended: one query for all of them."""

from __future__ import annotations

from collections import defaultdict

import anyio

from flowcore.database.engine import Database
from flowcore.database.queries.run_views import ended_runs
from flowcore.scheduler.wake_graph import Channel


class RunWatch:
    """Waits for the ends of runs; `serve` must run in a nursery of whoever owns the database."""

    def __init__(self, database: Database, *, poll_s: float) -> None:
        self._database, self._poll_s = database, poll_s
        self._waiting: defaultdict[int, list[anyio.Event]] = defaultdict(list)

    async def wait_ended(self, dag_run_id: int) -> None:
        """Return once the run has ended; also when it ended before."""
        event = anyio.Event()
        self._waiting[dag_run_id].append(event)
        try:
            await self._look()
            await event.wait()
        finally:
            self._waiting[dag_run_id].remove(event)
            if not self._waiting[dag_run_id]:
                del self._waiting[dag_run_id]

    async def serve(self) -> None:
        """Look for ended runs whenever one ended somewhere, until cancelled."""
        while True:
            seen = self._database.wakeups.versions([Channel.RUNS_ENDED])
            await self._look()
            await self._database.wakeups.after_any(seen, timeout_s=self._poll_s)

    async def _look(self) -> None:
        if self._waiting:
            for dag_run_id in await self._database.read(ended_runs, list(self._waiting)):
                for event in self._waiting.get(dag_run_id, ()):
                    event.set()

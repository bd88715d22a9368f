"""Tells everybody who waits for a run when it has ended: one query for all of them."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence

import anyio

from flowcore.database.engine import Database
from flowcore.database.queries.run_views import ended_runs
from flowcore.errors import DatabaseUnavailable
from flowcore.scheduler.wake_graph import Channel

log = logging.getLogger(__name__)


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
            await self._look([dag_run_id])
            await event.wait()
        finally:
            self._waiting[dag_run_id].remove(event)
            if not self._waiting[dag_run_id]:
                del self._waiting[dag_run_id]

    async def serve(self) -> None:
        """Look for ended runs whenever one ended somewhere, until cancelled."""
        while True:
            seen = self._database.wakeups.versions([Channel.RUNS_ENDED])
            try:
                await self._look(list(self._waiting))
            except DatabaseUnavailable as error:
                log.warning("whether runs have ended cannot be told: %s", error)
            await self._database.wakeups.after_any(seen, timeout_s=self._poll_s)

    async def _look(self, dag_run_ids: Sequence[int]) -> None:
        if dag_run_ids:
            for dag_run_id in await self._database.read(ended_runs, dag_run_ids):
                for event in self._waiting.get(dag_run_id, ()):
                    event.set()

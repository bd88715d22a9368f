"""Queues the runs that tries of this process ask for."""

from __future__ import annotations

from functools import partial

from flowcore.clock import Clock
from flowcore.database.engine import Database
from flowcore.database.queries.requested_runs import queue_requested_run
from flowcore.domain.requested_runs import RequestedRun, RunRequest


class RunTriggers:
    """`runner.sources.RunTrigger` on a database."""

    def __init__(self, database: Database, clock: Clock, *, run_id_pattern: str) -> None:
        self._database, self._clock, self._run_id_pattern = database, clock, run_id_pattern

    async def trigger(self, request: RunRequest) -> RequestedRun:
        unit = partial(queue_requested_run, run_id_pattern=self._run_id_pattern, now=self._clock.now())
        return await self._database.run(unit, request)

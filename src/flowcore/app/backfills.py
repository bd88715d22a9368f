"""A backfill in the hands of an embedder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NotRequired, TypedDict

from flowcore.clock import Clock
from flowcore.database.engine import Database
from flowcore.database.queries.backfills import (
    ListedBackfill,
    cancel_backfill,
    find_backfill,
    pause_backfill,
)
from flowcore.database.queries.create_backfill import CreatedBackfill
from flowcore.domain.backfills import ReprocessBehavior
from flowcore.scheduler.decisions.create_backfill import PlannedRun
from flowcore.scheduler.wake_graph import Channel


class BackfillArguments(TypedDict):
    """Arguments of `Flowcore.backfill`; `flowcore.domain.backfills.BackfillRequest` says what they mean."""

    from_date: datetime
    to_date: datetime
    max_active_runs: NotRequired[int]
    run_backwards: NotRequired[bool]
    reprocess_behavior: NotRequired[ReprocessBehavior]
    conf: NotRequired[Mapping[str, Any] | None]
    latest_version: NotRequired[bool]


#: Completion is looked for by itself this often, in case a notification was lost.
_POLL_S = 1.0


class Backfill:
    """One backfill; `dates` says what it does about each date, in the order in which runs start."""

    def __init__(self, created: CreatedBackfill, *, database: Database, clock: Clock) -> None:
        assert created.id is not None
        self.id: int = created.id
        self.dates: Sequence[PlannedRun] = created.dates
        self._database, self._clock = database, clock

    async def look(self) -> ListedBackfill:
        """Say how it stands.

        Raises:
            BackfillNotFound: it was deleted with its Dag.
        """
        return await self._database.read(find_backfill, self.id)

    async def wait(self) -> ListedBackfill:
        """Wait until it is completed; how it stands then."""
        while True:
            seen = self._database.wakeups.versions([Channel.BACKFILLS])
            found = await self.look()
            if found.completed_at is not None:
                return found
            await self._database.wakeups.after_any(seen, timeout_s=_POLL_S)

    async def pause(self) -> None:
        """Start no further runs; those that go on are not touched.

        Raises:
            UsageError: it is completed.
        """
        await self._database.run(pause_backfill, self.id, True)

    async def unpause(self) -> None:
        """Let it go on.

        Raises:
            UsageError: it is completed.
        """
        await self._database.run(pause_backfill, self.id, False)

    async def cancel(self) -> None:
        """Give it up: its queued runs fail, those that are running go on to their ends.

        Raises:
            UsageError: it is completed.
        """
        await self._database.run(cancel_backfill, self.id, now=self._clock.now())

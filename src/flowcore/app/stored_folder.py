"""The Dag folder in a process that does not read Dag files: another one does, and this one hears of it."""

from __future__ import annotations

import logging

from anyio.abc import TaskStatus

from flowcore.database.engine import Database
from flowcore.database.queries.dag_folders import known_folder
from flowcore.errors import DatabaseUnavailable
from flowcore.processor.catalogue import Catalogue
from flowcore.scheduler.wake_graph import Channel

log = logging.getLogger(__name__)


class StoredFolder:
    """Keeps `catalogue` up to date with what others have stored of the folder at an absolute path."""

    def __init__(self, path: str, database: Database, *, poll_s: float = 5.0) -> None:
        self.catalogue = Catalogue(path)
        self._database, self._poll_s = database, poll_s

    async def serve(self, *, task_status: TaskStatus[None]) -> None:
        """Follow what is stored until cancelled; `started()` once that is known."""
        self.catalogue.begin(await self._database.read(known_folder, self.catalogue.folder))
        task_status.started()
        wakeups = self._database.wakeups
        while True:
            seen = wakeups.versions([Channel.DAGS])
            await self._look()
            await wakeups.after_any(seen, timeout_s=self._poll_s)

    async def wait_settled(self) -> None:
        """Return at once: nobody here knows what others have still to read."""

    async def _look(self) -> None:
        count = len(self.catalogue.dag_ids)
        try:
            self.catalogue.begin(await self._database.read(known_folder, self.catalogue.folder))
        except DatabaseUnavailable as error:
            log.warning("which Dags there are cannot be told: %s", error)
        if len(self.catalogue.dag_ids) > count:
            # Whoever has left runs of these Dags to others may look again.
            self._database.wakeups.set(Channel.DAGS)

"""The Dag processor: looks at the folder, has changed files read, stores what came of it. Begin at the top.

One task looks, whenever there is news and now and then by itself; some tasks read, one file each; one task
keeps the books, as many files at a time as are there. So a file that hangs holds up one reader and no more.
"""

from __future__ import annotations

import logging
import random
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread
import attrs
from anyio.abc import TaskGroup, TaskStatus
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from flowcore.clock import Clock
from flowcore.concurrency.supervision import Health, supervise
from flowcore.database.lanes import Database
from flowcore.database.queries.dag_folders import known_folder
from flowcore.domain.dag_files import FolderChanges
from flowcore.processor.catalogue import Catalogue, Outcome
from flowcore.processor.discovery import Sight, look_at_folder
from flowcore.processor.reading import DagFileReader, Forks
from flowcore.processor.reports import failure
from flowcore.processor.storing import FolderStore
from flowcore.processor.watching import can_watch, watch_folder
from flowcore.runner.processes.connections import ForkFailed, ForkServerGone
from flowcore.runner.sources import SecretsSource
from flowcore.settings import IgnoreSyntax

log = logging.getLogger(__name__)

#: Outcomes that wait to be stored; readers wait when there are more.
_NEWS_MAX = 100
#: While more files wait to be read, outcomes are gathered for so long: each transaction wakes routines, which
#: costs more than to store ten files.
_GATHER_S = 0.25
#: A file during whose import the fork server ended so often has most likely ended it.
_LOSSES_MAX = 3
#: How long to wait when no process can be made.
_AGAIN_S = 1.0


@attrs.frozen(kw_only=True)
class FolderSettings:
    """How a folder is looked after; durations are in seconds.

    The folder is looked at every `poll_s` also if nobody says that there is news. A file may take
    `file_timeout_s` to import, and is read again after `read_again_s` although nothing has changed, or after
    `rest_s` at the earliest when another file has that it reads. So many `parsing_processes` read at the same
    time. In `safe_mode` other programs in the folder are left alone.
    """

    poll_s: float = 5.0
    read_again_s: float = 300.0
    rest_s: float = 30.0
    file_timeout_s: float = 50.0
    parsing_processes: int = 2
    safe_mode: bool = True
    ignore_syntax: IgnoreSyntax = IgnoreSyntax.GLOB
    paused_at_creation: bool = False
    unhealthy_after_s: float = 60.0


OpenForks = Callable[[], AbstractAsyncContextManager[Forks]]


@attrs.frozen
class _Read:
    """A file was read."""

    path: str
    outcome: Outcome


class DagFolder:
    """Looks after one Dag folder; `catalogue` knows its Dags.

    Args:
        folder: Its absolute path.
        database: Where Dags and failures are stored.
        open_forks: Starts what makes the processes in which files are imported. It is nobody else's: a file
            may end it.
        secrets: Where variables and connections are found that files ask for.
    """

    def __init__(
        self,
        folder: str,
        database: Database,
        open_forks: OpenForks,
        secrets: SecretsSource,
        *,
        clock: Clock,
        settings: FolderSettings,
    ) -> None:
        self._database, self._open_forks, self._secrets = database, open_forks, secrets
        self._settings = settings
        self._store = FolderStore(database, clock, settings.paused_at_creation)
        self.catalogue = Catalogue(folder, read_again_s=settings.read_again_s, rest_s=settings.rest_s)
        self.health = Health("dag_processor")
        self._has_begun = False
        self._news, self._work, self._settled = anyio.Event(), anyio.Event(), anyio.Event()
        self._losses: Counter[str] = Counter()
        self._suspects = anyio.Lock()
        self._told: dict[str, str] = {}

    async def serve(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Look after the folder until cancelled; `started()` once what was stored before is known.

        Raises:
            RoutineBroken: it kept failing.
        """
        await supervise(
            partial(self._serve, task_status),
            self.health,
            patience_s=self._settings.unhealthy_after_s,
            jitter=random.Random(),
        )

    def look_now(self) -> None:
        """Look at the folder at once."""
        self._news.set()

    async def wait_settled(self) -> None:
        """Return once every file that was there when it was looked at last has been read and stored."""
        await self._settled.wait()

    async def _serve(self, task_status: TaskStatus[None], *, stepped: Callable[[], None]) -> None:
        self.catalogue.begin(await self._database.read(known_folder, self.catalogue.folder))
        if not self._has_begun:
            self._has_begun = True
            task_status.started()
        send, receive = anyio.create_memory_object_stream[Sight | _Read](_NEWS_MAX)
        async with self._open_forks() as forks, send, receive, anyio.create_task_group() as nursery:
            nursery.start_soon(self._keep_books, receive, nursery, stepped)
            for _ in range(self._settings.parsing_processes):
                nursery.start_soon(self._read_files, self._reader(forks), send)
            if can_watch():
                nursery.start_soon(watch_folder, self.catalogue.folder, self.look_now)
            await self._look(send)

    async def _look(self, send: MemoryObjectSendStream[Sight | _Read]) -> None:
        while True:
            self._news = anyio.Event()
            look = partial(
                look_at_folder,
                Path(self.catalogue.folder),
                syntax=self._settings.ignore_syntax,
                others=self.catalogue.reads,
            )
            await send.send(await anyio.to_thread.run_sync(look))
            with anyio.move_on_after(self._settings.poll_s):
                await self._news.wait()

    def _reader(self, forks: Forks) -> DagFileReader:
        return DagFileReader(
            folder=self.catalogue.folder,
            server=forks,
            secrets=self._secrets,
            timeout_s=self._settings.file_timeout_s,
            safe_mode=self._settings.safe_mode,
        )

    async def _read_files(self, reader: DagFileReader, send: MemoryObjectSendStream[Sight | _Read]) -> None:
        while True:
            work = self._work
            path = self.catalogue.next_file()
            if path is None:
                await work.wait()
            elif (outcome := await self._read(reader, path)) is None:
                self.catalogue.put_back(path)
                await anyio.sleep(_AGAIN_S)
            else:
                await send.send(_Read(path, outcome))

    async def _read(self, reader: DagFileReader, path: str) -> Outcome | None:
        """What came of a file; None when it has to be tried again."""
        try:
            if not self._losses[path]:
                outcome = await reader.read(path)
            else:
                # One suspect at a time, so that the next loss has a culprit.
                async with self._suspects:
                    outcome = await reader.read(path)
        except ForkFailed as error:
            log.warning("Dag files wait to be read: %s", error)
            return None
        except ForkServerGone:
            self._losses[path] += 1
            if self._losses[path] < _LOSSES_MAX:
                return None
            fileloc = self.catalogue.fileloc(path)
            outcome = failure(
                fileloc, f"{fileloc}: the fork server ended whenever it was imported; mend the file"
            )
        del self._losses[path]
        return outcome

    async def _keep_books(
        self,
        receive: MemoryObjectReceiveStream[Sight | _Read],
        nursery: TaskGroup,
        stepped: Callable[[], None],
    ) -> None:
        async for first in receive:
            news = [first]
            if self.catalogue.has_waiting:
                await anyio.sleep(_GATHER_S)
            while receive.statistics().current_buffer_used:
                news.append(receive.receive_nowait())
            changes = [self._take(item) for item in news]
            work, self._work = self._work, anyio.Event()
            work.set()
            gone_in_s = self.catalogue.next_look_s(anyio.current_time())
            if gone_in_s < self._settings.poll_s:
                nursery.start_soon(self._look_in, gone_in_s)
            stored = await self._store.store(changes)
            self.catalogue.note_stored(stored.versions)
            self._tell(stored)
            stepped()
            self._note_whether_settled(is_idle=not receive.statistics().current_buffer_used)

    def _take(self, item: Sight | _Read) -> FolderChanges:
        now = anyio.current_time()
        if isinstance(item, Sight):
            return self.catalogue.look(item, now)
        return self.catalogue.done(item.path, item.outcome, now)

    async def _look_in(self, seconds: float) -> None:
        await anyio.sleep(seconds)
        self.look_now()

    def _tell(self, stored: FolderChanges) -> None:
        """Log each failure once, and when it is over."""
        failing = {one.fileloc: one.message for one in stored.failures}
        for fileloc in stored.makes.keys() & self._told.keys() - failing.keys():
            del self._told[fileloc]
            log.info("%s: nothing is wrong with it any more", fileloc)
        for fileloc, message in failing.items():
            if self._told.get(fileloc) != message:
                log.error("%s", message)
        self._told |= failing

    def _note_whether_settled(self, *, is_idle: bool) -> None:
        if is_idle and self.catalogue.is_settled:
            self._settled.set()
        elif self._settled.is_set():
            self._settled = anyio.Event()

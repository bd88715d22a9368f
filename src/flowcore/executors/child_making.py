"""`ChildMaker`: makes the processes that tries run in, and knows what all of them are given."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import anyio
import attrs

from flowcore.backends import Backend
from flowcore.domain.dag_callbacks import DagCallback
from flowcore.domain.dag_sources import DagSource
from flowcore.domain.records import dump_record
from flowcore.domain.try_settings import TrySettings
from flowcore.domain.workloads import Workload
from flowcore.executors.child_stopping import Graces
from flowcore.runner.answers import ImportAnswers
from flowcore.runner.processes.children import Child
from flowcore.runner.processes.connections import ForkFailed, ForkServerGone
from flowcore.runner.processes.jobs import CALLBACKS, DAG_CALLBACKS, TRY, WARM_WORKER
from flowcore.runner.sources import DagSources

log = logging.getLogger(__name__)

_AGAIN_MAX = 4
_AGAIN_S = 0.2


class DagForks(Protocol):
    """Forks children that have a Dag file imported."""

    async def fork(self, job: str, payload: Mapping[str, Any]) -> Child: ...


class Forks(Protocol):
    """What is needed of `runner.processes.ForkServer`."""

    async def fork(self, job: str, payload: Mapping[str, Any], *, outputs: bool = True) -> Child: ...
    async def dag_server(self, source: DagSource) -> DagForks: ...
    def forget_dags(self) -> None: ...


@attrs.frozen(kw_only=True)
class ChildMaker:
    """Makes children over `forks`.

    Attributes:
        forks: The fork server.
        sources: Where Dag files are found.
        imports: Answers what Dag files ask for while a worker imports them.
        settings: What an operator has set for tries.
        graces: How long what has to end may take.
    """

    forks: Forks
    sources: DagSources
    imports: ImportAnswers
    settings: TrySettings
    graces: Graces

    async def make_for_try(self, workload: Workload) -> Child:
        """A process that carries out the try and then ends.

        Raises:
            DagError: its Dag file cannot be had, or cannot be imported.
            DatabaseUnavailable: the Dag file could not be read.
            ForkServerGone, ForkFailed: again and again.
        """
        return await self._make(TRY, workload)

    async def make_for_callbacks(self, workload: Workload, error: str) -> Child:
        """A process that tells the callbacks of the try how its process died.

        Raises:
            DagError, DatabaseUnavailable, ForkServerGone, ForkFailed: as `make_for_try`.
        """
        return await self._make(CALLBACKS, workload, error=error)

    async def make_for_dag_callbacks(self, callback: DagCallback, backend: Backend) -> Child:
        """A process that calls the callbacks of a Dag; those that are coroutines on that event loop.

        Raises:
            DagError, DatabaseUnavailable, ForkServerGone, ForkFailed: as `make_for_try`.
        """
        payload = {"callback": dump_record(callback), "backend": backend}
        return await self._fork(DAG_CALLBACKS, callback.run.dag_version_id, payload)

    async def _make(self, job: str, workload: Workload, **more: str) -> Child:
        payload = {"workload": dump_record(workload), **more}
        return await self._fork(job, workload.run.dag_version_id, payload)

    async def _fork(self, job: str, dag_version_id: int, payload: Mapping[str, Any]) -> Child:
        source = await self.sources.get(dag_version_id)
        payload = {**payload, "settings": dump_record(self.settings)}

        async def fork() -> Child:
            return await (await self.forks.dag_server(source)).fork(job, payload)

        return await _insisting(fork)

    async def make_worker(self, backend: Backend) -> Child:
        """A process that carries out tries of coroutines until it is told to end.

        Raises:
            ForkServerGone, ForkFailed: again and again.
        """
        payload = {"backend": backend, "settings": dump_record(self.settings)}
        return await _insisting(lambda: self.forks.fork(WARM_WORKER, payload))


async def _insisting(fork: Callable[[], Awaitable[Child]]) -> Child:
    for attempt in itertools.count():
        try:
            return await fork()
        except (ForkFailed, ForkServerGone) as error:
            if attempt >= _AGAIN_MAX:
                raise
            log.info("%s", error)
            await anyio.sleep(_AGAIN_S * 2**attempt)
    raise AssertionError

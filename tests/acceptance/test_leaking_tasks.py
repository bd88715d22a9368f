"""Tasks in processes of their own that let out what they have looked up: it comes out as `***`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import attrs
import pytest

from flowcore.app.secrets import SecretsOptions, serve_secrets
from flowcore.backends import Backend
from flowcore.clock import SystemClock
from flowcore.database.engine import open_database
from flowcore.database.schema import prepare
from flowcore.domain.dag_sources import DagSource
from flowcore.domain.workloads import TryOutcome
from flowcore.executors.local import LocalExecutor
from flowcore.executors.local_service import LocalLimits
from flowcore.runner.logs.files import open_log_files
from flowcore.runner.processes.owner import open_fork_server
from flowcore.runner.sources import SecretsSource
from flowcore.sdk.loading import load_dag_source
from tests.acceptance.leaky_dag import LEAKY_DAG
from tests.runner.tries import Reports, sources_of, workload_of
from tests.support.planted_secrets import find_planted, holds_planted, plant
from tests.support.secret_backends import KeptBackend

pytestmark = pytest.mark.slow

FAILING = {"fail", "afail", "push", "apush"}
#: In how many ways each of them says it at least. What is written to the descriptors of a worker reaches the
#: log of a try only while it is alone in there.
SAID_MIN = {"tell": 7, "atell": 4, "mask": 7, "render": 1}


@attrs.frozen
class Sources:
    source: DagSource

    async def get(self, dag_version_id: int) -> DagSource:
        return self.source


class Catalogue:
    def has_dag(self, dag_id: str) -> bool:
        return True


@asynccontextmanager
async def serving_secrets() -> AsyncIterator[SecretsSource]:
    """The scheduler's own service, before a backend that has planted secrets."""
    backend = KeptBackend(
        connections={"db": f"postgres://me:{plant()}@host/db"}, variables={"api_token": plant()}
    )
    async with open_database("sqlite://") as database:
        await database.run(prepare)
        async with serve_secrets(database, SecretsOptions(backends=(backend,))) as secrets:
            yield secrets


async def carry_out(folder: Path, backend: Backend) -> Reports:
    """Carry out all tasks of the Dag file, functions in processes and coroutines in a warm worker."""
    reports, source = Reports(), DagSource.of(LEAKY_DAG, path=str(folder / "leaky.py"), folder=str(folder))
    async with (
        serving_secrets() as secrets,
        open_log_files(folder / "logs") as logs,
        open_fork_server() as forks,
        anyio.create_task_group() as nursery,
    ):
        executor = LocalExecutor(
            forks,
            Catalogue(),
            Sources(source),
            sources_of(secrets=secrets),
            clock=SystemClock(),
            backend=backend,
            limits=LocalLimits(workers=1),
            logs=logs,
        )
        await nursery.start(executor.serve, reports)
        for number, task in enumerate(load_dag_source(source)[0].compile().tasks):
            executor.submit(attrs.evolve(workload_of(task.task_id, number), runs_in=task.runs_in))
        with anyio.fail_after(50):
            await executor.wait_idle()
        nursery.cancel_scope.cancel()
    return reports


@pytest.mark.parametrize("backend", Backend)
def test_what_tasks_let_out_is_masked_or_refused(
    backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEAKY_OWN", plant())
    reports = anyio.run(carry_out, tmp_path, backend, backend=backend)
    ended = {end.workload.task_id: end for end in reports.ends}
    failed = {task_id for task_id, end in ended.items() if end.outcome is not TryOutcome.SUCCESS}
    assert failed == FAILING, {task_id: ended[task_id].error for task_id in failed ^ FAILING}
    assert all("a secret is in it" in (ended[task_id].error or "") for task_id in ("push", "apush"))
    assert not any(holds_planted(repr(report)) for report in reports.reports)
    for task_id, said_min in SAID_MIN.items():
        [log] = tmp_path.rglob(f"task_id={task_id}/**/*.log")
        assert sum("***" in line for line in log.read_text().splitlines()) >= said_min, task_id
    assert find_planted(tmp_path) == []

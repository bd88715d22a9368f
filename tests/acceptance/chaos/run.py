"""One chaos from its seed: schedulers, a load, faults, and at the end what must be true."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from random import Random

import anyio
import attrs
import psycopg

from flowcore.database.engine import Database, open_database
from flowcore.database.queries.triggering import trigger_dag_run
from flowcore.errors import DatabaseUnavailable, UsageError
from flowcore.runner.processes import linux
from tests.acceptance.chaos import work
from tests.acceptance.chaos.checks import Outcome, states_of
from tests.acceptance.chaos.faults import Fault, Trouble, draw_faults
from tests.acceptance.chaos.members import Member
from tests.acceptance.chaos.plans import POOLS, draw_plan, script_of
from tests.acceptance.chaos.proxy import Proxy
from tests.acceptance.chaos.server import MortalServer
from tests.acceptance.installation import Installation
from tests.acceptance.scheduler_process import FAMILY, wait_until

LEASE_S = 4.0
#: Event loop and options of each scheduler.
SCHEDULERS = (
    ("asyncio", ("--executor", "local")),
    ("trio", ("--executor", "local")),
    ("trio", ("--executor", "in-process")),
)
_DAGS = 24
#: How long may nothing happen once nothing goes wrong any more; machines are busy.
PATIENCE_S = 120.0
_UNFINISHED = (
    "SELECT r.dag_id, r.run_id, r.state, t.id, t.task_id, t.map_index, t.state, t.token, t.lease_id,"
    " t.reason, t.due_at, t.error FROM dag_run r LEFT JOIN task_instance t ON t.dag_run_id = r.id"
    " WHERE r.state NOT IN ('success', 'failed') AND coalesce(t.state, '') NOT IN"
    " ('success', 'failed', 'skipped', 'upstream_failed', 'removed')"
)


@attrs.frozen(kw_only=True)
class Size:
    """For how long things go wrong, how often on average, and how many task instances there are to do."""

    duration_s: float
    fault_every_s: float
    task_instances: int


@attrs.frozen
class Report:
    """What happened, for who reads the log of the test."""

    faults: Counter[str]
    ends_of_schedulers: Counter[int]
    runs: int
    states: Counter[str]
    executions: int
    lost: int
    overlaps: int
    recovered_s: float


@attrs.define(eq=False)
class Chaos:
    """The parts of one chaos; `url` goes to the server without a detour."""

    folder: Path
    server: MortalServer
    seed: int
    size: Size
    members: list[Member] = attrs.field(factory=list)

    @property
    def url(self) -> str:
        return self.server.server.url

    def carry_out(self) -> Report:
        """Run all of it, and look at what is left.

        Raises:
            AssertionError: something is not as it must be.
        """
        chance = Random(self.seed)
        plan = draw_plan(chance, _DAGS)
        dags = {dag_id: dag.compile() for dag_id, dag in work.make_dags(plan).items()}
        self._write(plan)
        trouble = Trouble(self.members, self.server, self.url)
        faults = draw_faults(chance, self.size.duration_s, self.size.fault_every_s)
        runs = list(self._runs([(dag_id, len(dag.tasks)) for dag_id, dag in dags.items()]))
        recovered_s = anyio.run(self._run, trouble, faults, runs)
        self._check_nothing_is_left()
        outcome = Outcome.read(self.url, self.folder / "notes")
        outcome.check_states(dags, script_of(plan))
        outcome.check_nothing_is_held()
        outcome.check_claims_are_executed_once()
        outcome.check_fenced_tries_left_nothing()
        return self._report(outcome, trouble, recovered_s)

    async def _run(self, trouble: Trouble, faults: Sequence[Fault], runs: Sequence[tuple[str, str]]) -> float:
        async with anyio.create_task_group() as nursery:
            await self._start_members(nursery)
            stored = "SELECT 1 FROM dag WHERE is_active"
            await until(lambda: self._count(stored) == _DAGS, "all Dags are stored")
            async with anyio.create_task_group() as busy:
                busy.start_soon(self._trigger, runs)
                busy.start_soon(trouble.make, faults)
            recovered_s = await self._settle(len(runs))
            await self._stop_members()
            nursery.cancel_scope.cancel()
        return recovered_s

    def _write(self, plan: Sequence[object]) -> None:
        dags = self.folder / "dags"
        dags.mkdir()
        (dags / "plan.json").write_text(json.dumps(plan))
        shutil.copy(work.__file__, dags)
        installation = Installation(self.folder, self.url)
        installation.command("db", "migrate")
        for name, slots in POOLS.items():
            installation.command("pools", "set", name, str(slots))

    async def _start_members(self, nursery: anyio.abc.TaskGroup) -> None:
        for backend, options in SCHEDULERS:
            proxy = Proxy(self.server.server.port)
            await nursery.start(proxy.serve)
            installation = Installation(
                self.folder,
                self.url.replace(str(self.server.server.port), str(proxy.port)),
                backend,
                {"FLOWCORE_LEASE_S": str(LEASE_S)},
            )
            self.members.append(Member(installation, options, proxy))
            await nursery.start(self.members[-1].serve)

    def _runs(self, sizes: Sequence[tuple[str, int]]) -> Iterator[tuple[str, str]]:
        """Dags in turn, until their tasks are enough."""
        left = self.size.task_instances
        for number, (dag_id, tasks) in enumerate(cycle(sizes)):
            if left <= 0:
                return
            left -= tasks
            yield dag_id, f"run{number}"

    async def _trigger(self, runs: Sequence[tuple[str, str]]) -> None:
        """Ask for the runs one by one, as long as things go wrong."""
        async with open_database(self.url, pool_size=1) as database:
            for dag_id, run_id in runs:
                await _trigger(database, dag_id, run_id)
                await anyio.sleep(self.size.duration_s / len(runs))

    async def _settle(self, runs: int) -> float:
        """Wait until all runs have ended, and no lease is of somebody dead; the seconds it took."""
        began = anyio.current_time()
        ended = "SELECT 1 FROM dag_run WHERE state IN ('success', 'failed')"
        done = "SELECT 1 FROM task_instance WHERE end_date IS NOT NULL"
        await until(
            lambda: self._count(ended) == runs,
            "all runs end",
            progress=lambda: self._count(done),
            explain=self._unfinished,
        )
        took_s = anyio.current_time() - began
        await until(lambda: self._count("SELECT 1 FROM lease") == len(self.members), "leases of the dead go")
        return took_s

    async def _stop_members(self) -> None:
        for member in self.members:
            await until(lambda: member.is_ready, "it has started")  # noqa: B023
            member.stop()
        await until(lambda: all(member.has_stopped for member in self.members), "they stop")
        statuses = [member.statuses[-1] for member in self.members]
        assert statuses == [0] * len(self.members), f"they stopped with {statuses}"

    def _check_nothing_is_left(self) -> None:
        logs = [str(log) for member in self.members for log in member.logs]
        wait_until(
            lambda: not any(linux.processes_with(FAMILY, log) for log in logs), "the end of all processes"
        )
        assert self._count("SELECT 1 FROM lease") == 0, "leases were left"
        others = (
            "SELECT query FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        wait_until(lambda: self._count(others) == 0, "the end of all connections")

    def _unfinished(self) -> str:
        with psycopg.connect(self.url) as connection:
            rows = connection.execute(_UNFINISHED).fetchmany(20)
        return "\n".join(map(str, rows))

    def _count(self, query: str) -> int:
        with psycopg.connect(self.url) as connection:
            return len(connection.execute(query.encode()).fetchall())

    def _report(self, outcome: Outcome, trouble: Trouble, recovered_s: float) -> Report:
        statuses = Counter(status for member in self.members for status in member.statuses)
        return Report(
            trouble.tally,
            statuses,
            len(outcome.runs),
            states_of(outcome.task_instances),
            len(outcome.executions),
            sum(state == "lost" for state in outcome.tries.values()),
            outcome.overlaps(),
            recovered_s,
        )


async def _trigger(database: Database, dag_id: str, run_id: str) -> None:
    while True:
        try:
            await database.run(
                trigger_dag_run,
                dag_id=dag_id,
                conf={},
                run_id=run_id,
                logical_date=None,
                now=datetime.now(UTC),
            )
        except DatabaseUnavailable:
            await anyio.sleep(0.5)
        except UsageError as error:
            if run_id not in str(error):
                raise
            return  # it was triggered, and the answer was lost
        else:
            return


async def until(
    happened: Callable[[], bool],
    what: str,
    *,
    progress: Callable[[], int] = int,
    explain: Callable[[], str] = str,
) -> None:
    """Look until it has happened, as long as there is progress."""
    seen, deadline = progress(), anyio.current_time() + PATIENCE_S
    while not happened():
        if (now := progress()) != seen:
            seen, deadline = now, anyio.current_time() + PATIENCE_S
        in_time = anyio.current_time() < deadline
        assert in_time, f"waited {PATIENCE_S:g} s in vain until {what}: {explain()}"
        await anyio.sleep(0.2)

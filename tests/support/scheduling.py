"""A scheduler's routines on a real database, moved by hand: the test says when and in which order.

A `Scene` is one scheduler; open two on one PostgreSQL URL to let them compete.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import anyio.lowlevel
import attrs
import sqlalchemy as sa
from anyio.abc import TaskStatus

from flowcore.abc import ReportSink
from flowcore.database.engine import Database, open_database
from flowcore.database.queries.changed_instances import ChangedInstance
from flowcore.database.queries.clearing import clear_task_instances
from flowcore.database.queries.marking import mark_task_instances
from flowcore.database.queries.register_dags import register_dag
from flowcore.database.queries.triggering import trigger_dag_run
from flowcore.database.schema import prepare
from flowcore.database.store import SqlStore
from flowcore.database.tables import dag_run, lease, pool, task_instance
from flowcore.domain.dag_callbacks import DagCallback
from flowcore.domain.dags import Dag, Task
from flowcore.domain.selections import RunSelection, TaskSelection
from flowcore.domain.states import TaskInstanceState
from flowcore.domain.workloads import RunsIn, Slots, TryEnded, TryOutcome, TryStarted, Workload
from flowcore.scheduler.decisions.end_tries import end_try
from flowcore.scheduler.routines.complete_backfills import CompleteBackfills
from flowcore.scheduler.routines.create_dag_runs import CreateDagRuns
from flowcore.scheduler.routines.enqueue_task_instances import EnqueueTaskInstances
from flowcore.scheduler.routines.expire import Expire
from flowcore.scheduler.routines.recover_task_instances import RecoverTaskInstances
from flowcore.scheduler.routines.revoke_tries import RevokeTries
from flowcore.scheduler.routines.run_callbacks import RunCallbacks
from flowcore.scheduler.routines.schedule_task_instances import ScheduleTaskInstances
from flowcore.scheduler.routines.start_dag_runs import StartDagRuns
from flowcore.scheduler.store import Applied, Batch
from flowcore.testing.scripted_calls import ListingCaller, ScriptedCalls

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def make_dag(
    upstream: Mapping[str, Sequence[str]],
    *,
    dag_id: str = "etl",
    tasks: Mapping[str, Mapping[str, Any]] | None = None,
    every: Mapping[str, Any] | None = None,
    **fields: Any,
) -> Dag:
    """A Dag by the direct upstreams of each task; `every` and `tasks` are fields of tasks."""
    ids = list(upstream)
    return Dag(
        dag_id=dag_id,
        tasks=tuple(
            Task(
                task_id=name,
                position=position,
                upstream=tuple(sorted(ids.index(other) for other in upstream[name])),
                downstream=tuple(ids.index(other) for other in ids if name in upstream[other]),
                **{**(every or {}), **(tasks or {}).get(name, {})},
            )
            for position, name in enumerate(ids)
        ),
        **fields,
    )


def single(dag_id: str = "etl", *, every: Mapping[str, Any] | None = None, **fields: Any) -> Dag:
    """A Dag of one task, `a`."""
    return make_dag({"a": []}, dag_id=dag_id, every=every, **fields)


def chain(length: int, **fields: Any) -> Dag:
    """Tasks `t0` → `t1` → …"""
    return make_dag({f"t{n}": [f"t{n - 1}"] if n else [] for n in range(length)}, **fields)


def loose(count: int, **fields: Any) -> Dag:
    """Tasks `t0`, `t1`, … without dependencies."""
    return make_dag({f"t{n}": [] for n in range(count)}, **fields)


@attrs.define
class ListingExecutor:
    """Runs nothing: keeps the workloads that were submitted and the tries that were cancelled.

    `kinds` are its places by where tries run, if not the same everywhere.
    `dags` are those whose tasks it has; None: all. Without `has_tries` there is nothing to cancel.
    """

    places: int = 1_000
    kinds: Mapping[RunsIn, int] | None = None
    dags: frozenset[str] | None = None
    has_tries: bool = True
    name: str = "listing"
    submitted: list[Workload] = attrs.field(factory=list)
    cancelled: list[tuple[int, int, str]] = attrs.field(factory=list)

    def free_slots(self) -> Slots:
        return self.kinds or dict.fromkeys(RunsIn, self.places)

    def has_dag(self, dag_id: str) -> bool:
        return self.dags is None or dag_id in self.dags

    def submit(self, workload: Workload) -> None:
        self.submitted.append(workload)

    def cancel(self, task_instance_id: int, token: int, reason: str) -> bool:
        if self.has_tries:
            self.cancelled.append((task_instance_id, token, reason))
        return self.has_tries

    async def serve(
        self, sink: ReportSink, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED
    ) -> None:
        task_status.started()
        await anyio.sleep_forever()

    async def wait_idle(self) -> None:
        await anyio.lowlevel.checkpoint()


@attrs.define
class Scene:
    """One scheduler on a database; `now` is what its routines are told."""

    database: Database
    store: SqlStore
    executor: ListingExecutor = attrs.field(factory=ListingExecutor)
    now: datetime = NOW

    def later(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)

    async def register(self, *dags: Dag) -> None:
        """Store Dags."""
        for dag in dags:
            await self.database.run(register_dag, dag, now=self.now, paused_at_creation=False)

    async def trigger(self, dag_id: str = "etl", **fields: Any) -> int:
        """Queue a run; its id."""
        arguments = {"conf": {}, "run_id": None, "logical_date": None, **fields}
        queued = await self.database.run(trigger_dag_run, dag_id=dag_id, now=self.now, **arguments)
        return queued.id

    async def begin(self, dag: Dag) -> int:
        """Register the Dag, trigger a run and start it; the run's id."""
        await self.register(dag)
        run = await self.trigger(dag.dag_id)
        await self.start()
        return run

    async def create(self, **fields: Any) -> Batch:
        """One step of create_dag_runs."""
        return await CreateDagRuns(self.store, **fields).step(self.now)

    async def start(self, **fields: Any) -> Batch:
        """One step of start_dag_runs."""
        return await StartDagRuns(self.store, **fields).step(self.now)

    async def schedule(self, **fields: Any) -> Batch:
        """One step of schedule_task_instances."""
        return await ScheduleTaskInstances(self.store, **fields).step(self.now)

    async def enqueue(self, **fields: Any) -> list[Workload]:
        """One step of enqueue_task_instances; what it submitted."""
        executors = {self.executor.name: self.executor}
        routine = EnqueueTaskInstances(self.store, executors, _must_not_happen, _expect, **fields)
        await routine.step(self.now)
        submitted, self.executor.submitted = self.executor.submitted, []
        return submitted

    async def complete_backfills(self) -> Batch:
        """One step of complete_backfills."""
        return await CompleteBackfills(self.store).step(self.now)

    async def recover(self, **fields: Any) -> Batch:
        """One step of recover_task_instances."""
        return await RecoverTaskInstances(self.store, **fields).step(self.now)

    async def expire(self, **fields: Any) -> Batch:
        """One step of expire."""
        return await Expire(self.store, **fields).step(self.now)

    async def call_back(self) -> list[DagCallback]:
        """Steps of run_callbacks until nothing is left for it; which callbacks it has called."""
        caller = ListingCaller()
        routine = RunCallbacks(self.store, ScriptedCalls(caller), _must_not_happen)
        while (await routine.step(self.now)).moved:
            pass
        return caller.called

    async def revoke(self) -> Batch:
        """One step of revoke_tries."""
        return await RevokeTries(self.store, {self.executor.name: self.executor}).step(self.now)

    async def lose_lease(self) -> None:
        """Give up this scheduler as dead: its lease lapses, and the store goes on under a new one."""
        await self.execute(lease.update().values(expires_at=NOW.replace(year=2000)))
        self.store = SqlStore(self.database)
        await self.store.acquire_lease(60)

    async def begin_tries(self, workloads: Iterable[Workload]) -> Applied:
        """Report that tries started."""
        started = [TryStarted(workload=workload, start_date=self.now) for workload in workloads]
        return await self.store.apply_reports(end_try, started=started, ended=[])

    async def end(
        self, workloads: Iterable[Workload], outcome: TryOutcome = TryOutcome.SUCCESS, **fields: Any
    ) -> Applied:
        """Report that tries ended."""
        ended = [ended_now(workload, outcome, self.now, **fields) for workload in workloads]
        return await self.store.apply_reports(end_try, started=[], ended=ended)

    async def end_scheduled(self, outcome: TryOutcome = TryOutcome.SUCCESS) -> list[Workload]:
        """Queue what is scheduled and end it; the workloads."""
        workloads = await self.enqueue()
        await self.end(workloads, outcome)
        return workloads

    async def hop(self, outcome: TryOutcome = TryOutcome.SUCCESS) -> list[Workload]:
        """Queue what is scheduled, end it, and settle that; the workloads."""
        workloads = await self.end_scheduled(outcome)
        await self.schedule()
        return workloads

    async def clear(self, *task_ids: str, dag_id: str = "etl", **fields: Any) -> Sequence[ChangedInstance]:
        """Clear these tasks (without ids: everything); `fields` are of the selections or of the unit."""
        return await self._change(clear_task_instances, task_ids, dag_id, fields)

    async def mark(
        self, state: TaskInstanceState, *task_ids: str, dag_id: str = "etl", **fields: Any
    ) -> Sequence[ChangedInstance]:
        """Mark these tasks; `fields` are of the selections or of the unit."""
        return await self._change(mark_task_instances, task_ids, dag_id, {"state": state, **fields})

    async def _change(
        self,
        unit: Callable[..., Sequence[ChangedInstance]],
        task_ids: tuple[str, ...],
        dag_id: str,
        fields: Mapping[str, Any],
    ) -> Sequence[ChangedInstance]:
        of_runs = {field.name for field in attrs.fields(RunSelection)}
        of_tasks = {field.name for field in attrs.fields(TaskSelection)}
        runs = {"dag_id": dag_id} | {name: value for name, value in fields.items() if name in of_runs}
        tasks = {"task_ids": frozenset(task_ids) or None} | {
            name: value for name, value in fields.items() if name in of_tasks
        }
        others = {name: value for name, value in fields.items() if name not in of_runs | of_tasks}
        return await self.database.run(
            unit, runs=RunSelection(**runs), tasks=TaskSelection(**tasks), now=self.now, **others
        )

    async def states(self, run: int) -> dict[str, str | None]:
        """The states of a run's task instances by task."""
        rows = await self.task_instances(run)
        return {row.task_id: row.state for row in rows}

    async def task_instances(self, run: int) -> Sequence[sa.Row[Any]]:
        """The rows of a run's task instances in Dag order."""
        query = sa.select(task_instance).where(task_instance.c.dag_run_id == run)
        return await self.rows(query.order_by(task_instance.c.position, task_instance.c.id))

    async def run_row(self, run: int) -> sa.Row[Any]:
        """The row of a run."""
        [row] = await self.rows(sa.select(dag_run).where(dag_run.c.id == run))
        return row

    async def rows(self, query: sa.Select[Any]) -> Sequence[sa.Row[Any]]:
        """What a query finds."""
        return await self.database.read(lambda connection: connection.execute(query).all())

    async def execute(self, statement: sa.Executable) -> None:
        """Change the database behind the scheduler's back."""
        await self.database.run(_execute, statement)

    async def add_pool(self, name: str, slots: int) -> None:
        """Create a pool."""
        await self.execute(pool.insert().values(name=name, slots=slots))


def _execute(connection: sa.Connection, statement: sa.Executable) -> None:
    connection.execute(statement)


def ended_now(workload: Workload, outcome: TryOutcome, at: datetime, **fields: Any) -> TryEnded:
    """A try's end at once after its start."""
    return TryEnded(workload=workload, outcome=outcome, start_date=at, end_date=at, **fields)


@asynccontextmanager
async def open_scene(url: str, *, lease_s: float = 60.0) -> AsyncIterator[Scene]:
    """One scheduler on the database at `url`, with the schema and a lease of its own."""
    async with open_database(url) as database:
        await database.run(prepare)
        store = SqlStore(database)
        await store.acquire_lease(lease_s)
        yield Scene(database, store)


def _must_not_happen() -> None:
    raise AssertionError("the fate of a claim was unknown, although no connection was lost")


def _expect(workload: Workload, now: datetime) -> None:
    """Nobody waits for reports here."""

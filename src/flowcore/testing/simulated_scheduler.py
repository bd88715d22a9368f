"""One scheduler process of a simulation: the real routines and store, stepped from outside.

Nothing runs by itself here: `simulation.py` decides what comes next. A process can be killed, stopped,
or frozen beyond its lease and let go on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta

from flowcore.clock import Clock
from flowcore.concurrency.wakeups import Wakeups
from flowcore.database.lanes import Database
from flowcore.database.store import SqlStore
from flowcore.domain.workloads import TryEnded
from flowcore.scheduler.routines.apply_executor_events import ApplyExecutorEvents, ReportBuffer
from flowcore.scheduler.routines.complete_backfills import CompleteBackfills
from flowcore.scheduler.routines.create_asset_runs import CreateAssetRuns
from flowcore.scheduler.routines.create_dag_runs import CreateDagRuns
from flowcore.scheduler.routines.enqueue_task_instances import EnqueueTaskInstances
from flowcore.scheduler.routines.expire import Expire
from flowcore.scheduler.routines.recover_task_instances import RecoverTaskInstances
from flowcore.scheduler.routines.revoke_tries import RevokeTries
from flowcore.scheduler.routines.run_callbacks import RunCallbacks
from flowcore.scheduler.routines.schedule_task_instances import ScheduleTaskInstances
from flowcore.scheduler.routines.start_dag_runs import StartDagRuns
from flowcore.scheduler.store import Batch
from flowcore.scheduler.wake_graph import RoutineName
from flowcore.testing.faulty_database import FaultyDatabase
from flowcore.testing.scripted_calls import ListingCaller, ScriptedCalls
from flowcore.testing.scripted_executor import ScriptedExecutor
from flowcore.testing.scripts import Script

#: Virtual seconds that a lease lasts.
LEASE_S = 30.0
_RENEW_EVERY = timedelta(seconds=LEASE_S / 6)

#: Makes the store of one process; a test that plants a fault hands in another one.
MakeStore = Callable[[Database], SqlStore]
Step = Callable[[datetime], Awaitable[Batch]]


def shared_store(database: Database) -> SqlStore:
    """Make the store of one of several schedulers in this process."""
    return SqlStore(database, alone=False)


class SimulatedScheduler:
    """A process: its store, its executor, its routines. Call `start` before anything else.

    `caller` keeps which callbacks of Dags it has called. `batch_size` is small so that batches are seen to
    end in the middle.
    """

    def __init__(
        self,
        database: Database,
        script: Script,
        *,
        clock: Clock,
        make_store: MakeStore,
        caller: ListingCaller,
        batch_size: int = 3,
    ) -> None:
        self.database = FaultyDatabase(database)
        self.store = make_store(self.database)
        self.executor = ScriptedExecutor(script, clock=clock, parallelism=6)
        self.is_frozen = False
        self._clock = clock
        self._gives_up = False
        self._renewed_at: datetime | None = None
        self._buffer = ReportBuffer(Wakeups())
        self.executor.attach(self._buffer)
        self._apply = ApplyExecutorEvents(self.store, self._buffer, batch_size)
        self._run_callbacks = RunCallbacks(self.store, ScriptedCalls(caller), self._give_up_lease)
        self._steps = self._routines({self.executor.name: self.executor}, batch_size)

    @property
    def lease_id(self) -> int:
        """The lease under which its tries run."""
        assert self.store.lease_id is not None
        return self.store.lease_id

    @property
    def refused(self) -> int:
        """How many reports were refused so far."""
        return self._apply.refused

    @property
    def coming_reports(self) -> tuple[TryEnded, ...]:
        """The ends that the next step of `apply_executor_events` will write."""
        return tuple(self._buffer.ended[: self._apply.batch_size])

    async def start(self) -> None:
        """Take a lease."""
        await self.store.acquire_lease(LEASE_S)
        self._renewed_at = self._clock.now()

    async def step(self, routine: RoutineName) -> Batch:
        """Let one routine do one step."""
        return await self._steps[routine](self._clock.now())

    async def keep_lease(self) -> bool:
        """Renew the lease in time; when it was taken over or given up, give all back and take a new one."""
        now = self._clock.now()
        if not self._gives_up:
            if self._renewed_at is not None and now - self._renewed_at < _RENEW_EVERY:
                return True
            if await self.store.renew_lease(LEASE_S):
                self._renewed_at = now
                return True
        self._gives_up = False
        await self.stop()
        await self.start()
        return False

    async def stop(self) -> bool:
        """Stop in an orderly way without a grace period; whether the lease was released."""
        self.executor.give_back()
        while self._buffer.ended:
            await self._apply.write(self._clock.now())
        await self._run_callbacks.write(self._clock.now())
        return await self.store.release_lease()

    def _give_up_lease(self) -> None:
        self._gives_up = True

    def _routines(
        self, executors: Mapping[str, ScriptedExecutor], batch_size: int
    ) -> Mapping[RoutineName, Step]:
        store = self.store
        return {
            RoutineName.CREATE_DAG_RUNS: CreateDagRuns(store, batch_size).step,
            RoutineName.CREATE_ASSET_RUNS: CreateAssetRuns(store, batch_size).step,
            RoutineName.START_DAG_RUNS: StartDagRuns(store, batch_size).step,
            RoutineName.SCHEDULE_TASK_INSTANCES: ScheduleTaskInstances(store, batch_size).step,
            RoutineName.ENQUEUE_TASK_INSTANCES: EnqueueTaskInstances(
                store, executors, self._give_up_lease, self._buffer.expect, batch_size
            ).step,
            RoutineName.APPLY_EXECUTOR_EVENTS: self._apply.step,
            RoutineName.RECOVER_TASK_INSTANCES: RecoverTaskInstances(store, batch_size).step,
            RoutineName.COMPLETE_BACKFILLS: CompleteBackfills(store).step,
            RoutineName.REVOKE_TRIES: RevokeTries(store, executors).step,
            RoutineName.EXPIRE: Expire(store, batch_size).step,
            RoutineName.RUN_CALLBACKS: self._run_callbacks.step,
        }

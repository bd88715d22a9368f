"""Faults planted in stores and schemas: each breaks one invariant, which its property has to notice."""

from __future__ import annotations

import attrs
import sqlalchemy as sa

from flowcore.concurrency.wakeups import Wakeups
from flowcore.database.store import SqlStore
from flowcore.database.tables import dag_run, task_instance
from flowcore.domain.dag_callbacks import CallbackEnd, Occasion
from flowcore.domain.states import TaskInstanceState
from flowcore.testing import Load, store_load


class ForgetsPools(SqlStore):
    """Takes every pool for unlimited."""

    async def enqueue_task_instances(self, decide, free_slots, **rest):
        def decide_without_pools(candidates, usage, limits, *, now):
            unlimited = attrs.evolve(limits, pools=dict.fromkeys(limits.pools, -1))
            return decide(candidates, usage, unlimited, now=now)

        return await super().enqueue_task_instances(decide_without_pools, free_slots, **rest)


class LosesCalls(SqlStore):
    """Takes callbacks that it has claimed for called."""

    async def claim_callbacks(self, **rest):
        claimed = await super().claim_callbacks(**rest)
        ends = [CallbackEnd(callback_id=one.id, token=one.token) for one in claimed]
        await self.end_callbacks(ends, now=rest["now"])
        return ()


class TellsTheWrongCallbacks(SqlStore):
    """Takes each end for a success."""

    async def claim_callbacks(self, **rest):
        claimed = await super().claim_callbacks(**rest)
        return [attrs.evolve(one, occasion=Occasion.SUCCESS) for one in claimed]


class OverlooksTheLast(SqlStore):
    """Forgets the last one of those that it chose."""

    async def enqueue_task_instances(self, decide, free_slots, **rest):
        def decide_carelessly(candidates, usage, limits, *, now):
            decision = decide(candidates, usage, limits, now=now)
            return attrs.evolve(decision, queued=decision.queued[:-1])

        return await super().enqueue_task_instances(decide_carelessly, free_slots, **rest)


class TakesTheLightestFirst(SqlStore):
    """Has priorities upside down."""

    async def enqueue_task_instances(self, decide, free_slots, **rest):
        def decide_upside_down(candidates, usage, limits, *, now):
            upside_down = [attrs.evolve(each, priority_weight=-each.priority_weight) for each in candidates]
            return decide(upside_down, usage, limits, now=now)

        return await super().enqueue_task_instances(decide_upside_down, free_slots, **rest)


class MissesADate(SqlStore):
    """Leaves the first of the runs out that are due."""

    async def create_dag_runs(self, decide, **rest):
        def decide_carelessly(*args, **kwargs):
            due = decide(*args, **kwargs)
            return attrs.evolve(due, runs=due.runs[1:])

        return await super().create_dag_runs(decide_carelessly, **rest)


class ForgetsRunLimits(SqlStore):
    """Starts every queued run."""

    async def start_dag_runs(self, decide, **rest):
        def decide_without_limit(queued, *, running, max_active_runs):
            return decide(queued, running=running, max_active_runs=dict.fromkeys(max_active_runs, 0))

        return await super().start_dag_runs(decide_without_limit, **rest)


class AcceptsLateReports(SqlStore):
    """Believes a report whatever its token says."""

    async def apply_reports(self, decide, *, started, ended):
        tokens = dict(await self._database.read(_read_tokens))
        forged = [
            attrs.evolve(
                end, workload=attrs.evolve(end.workload, token=tokens[end.workload.task_instance_id])
            )
            for end in ended
        ]
        return await super().apply_reports(decide, started=started, ended=forged)


class KeepsItsLease(SqlStore):
    """Says that it gave the lease up, and did not."""

    async def release_lease(self):
        self._lease_id = None
        return True


class BlamesTasksForLosses(SqlStore):
    """Fails a task whose process died, so that how a run ends depends on who dies."""

    async def recover_task_instances(self, decide, **rest):
        return await super().recover_task_instances(lambda **_: TaskInstanceState.FAILED, **rest)


class ForgetsWhatWasDone(SqlStore):
    """Begins all items anew when a process has died over one of them."""

    async def recover_task_instances(self, decide, **rest):
        recovered = await super().recover_task_instances(decide, **rest)
        if recovered.moved:
            await self._database.run(_forget_ends)
        return recovered


class ForgetsWhoIsAlive(SqlStore):
    """Lets a task instance begin again while its try is being stopped."""

    async def schedule_task_instances(self, **rest):
        await self._database.run(_restart_at_once)
        return await super().schedule_task_instances(**rest)


class DeafWakeups(Wakeups):
    """Loses every wake-up of one channel."""

    def __init__(self, channel):
        super().__init__()
        self._lost = channel

    def set(self, channel):
        if channel != self._lost:
            super().set(channel)


def store_without_uniqueness(connection: sa.Connection, load: Load) -> None:
    """Make the schema forget that a Dag has one run of each logical date."""
    store_load(connection, load)
    dag_run.drop(connection)
    forgetful = dag_run.to_metadata(sa.MetaData())
    forgetful.constraints = {c for c in forgetful.constraints if not isinstance(c, sa.UniqueConstraint)}
    forgetful.create(connection)


def store_with_an_edge_missing(connection: sa.Connection, load: Load) -> None:
    """Keep the first edge of each Dag from the scheduler."""
    store_load(connection, attrs.evolve(load, dags=tuple(map(without_an_edge, load.dags))))


def store_with_other_fields(connection: sa.Connection, load: Load, *, task_id: str, fields) -> None:
    """Tell schedulers other fields of a task."""
    dags = [
        attrs.evolve(
            dag,
            tasks=tuple(attrs.evolve(t, **(fields if t.task_id == task_id else {})) for t in dag.tasks),
        )
        for dag in load.dags
    ]
    store_load(connection, attrs.evolve(load, dags=tuple(dags)))


def without_an_edge(dag):
    free = [attrs.evolve(task, upstream=task.upstream[1:]) for task in dag.tasks]
    tasks = [
        attrs.evolve(task, downstream=tuple(t.position for t in free if task.position in t.upstream))
        for task in free
    ]
    return attrs.evolve(dag, tasks=tuple(tasks))


def without_looks(dag, look):
    """A Dag whose tasks do not look at others as `look`."""
    dependencies = dag.dependencies
    blind = attrs.evolve(
        dependencies,
        looks_at=tuple({a: b for a, b in looks.items() if a is not look} for looks in dependencies.looks_at),
        looked_at_by=tuple(
            tuple(watcher for watcher in watchers if watcher.look is not look)
            for watchers in dependencies.looked_at_by
        ),
    )
    other = attrs.evolve(dag)
    vars(other)["dependencies"] = blind
    return other


def _restart_at_once(connection):
    restarting = task_instance.c.state == "restarting"
    connection.execute(task_instance.update().where(restarting).values(state=None, lease_id=None))


def _forget_ends(connection):
    connection.execute(task_instance.update().where(task_instance.c.state == "success").values(state=None))


def _read_tokens(connection):
    return [tuple(row) for row in connection.execute(sa.select(task_instance.c.id, task_instance.c.token))]

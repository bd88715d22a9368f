"""Two schedulers in the critical section at the same time: neither waits, and no limit is exceeded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import attrs
import pytest
import sqlalchemy as sa

from flowcore.database import schema
from flowcore.database.claim_memory import ClaimMemory
from flowcore.database.dag_versions import DagVersions
from flowcore.database.queries.enqueue_task_instances import Claimer
from flowcore.database.queries.leases import acquire_lease
from flowcore.database.queries.register_dags import register_dag
from flowcore.database.queries.start_dag_runs import start_dag_runs
from flowcore.database.queries.triggering import trigger_dag_run
from flowcore.database.run_facts import RunFactsCache
from flowcore.database.tables import pool, task_instance
from flowcore.database.wakeups import take_channels
from flowcore.domain.dags import Dag
from flowcore.domain.workloads import RunsIn
from flowcore.scheduler.decisions.candidates import Candidate
from flowcore.scheduler.decisions.enqueue_task_instances import EnqueueDecision, choose_task_instances
from flowcore.scheduler.decisions.start_dag_runs import choose_dag_runs
from flowcore.scheduler.store import Queued
from tests.support.plans import engine_on
from tests.support.scheduling import NOW, make_dag

TWO_POOLS = {"a0": {"pool": "a"}, "a1": {"pool": "a"}, "b0": {"pool": "b"}, "b1": {"pool": "b"}}


@pytest.fixture
def engine(scene_postgres: str) -> Iterator[sa.Engine]:
    with engine_on(scene_postgres) as engine:
        with engine.begin() as connection:
            schema.prepare(connection)
            for name, slots in (("a", 4), ("b", 4)):
                connection.execute(pool.insert().values(name=name, slots=slots))
        yield engine


def begin(engine: sa.Engine, dag: Dag, *, runs: int = 1) -> None:
    with engine.begin() as connection:
        register_dag(connection, dag, now=NOW, paused_at_creation=False)
        for _ in range(runs):
            trigger_dag_run(connection, dag_id=dag.dag_id, now=NOW, conf={}, run_id=None, logical_date=None)
        start_dag_runs(connection, choose_dag_runs, own_lease=0, versions=DagVersions(), now=NOW, limit=100)


class Process:
    """A scheduler that stands in the middle of its transaction until it commits."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection
        connection.execute(sa.text("SET lock_timeout = '50ms'"))
        self.lease = acquire_lease(connection, "scheduler", 60, False)
        connection.commit()
        self.memory = ClaimMemory(DagVersions(), RunFactsCache())
        self.now = NOW

    def claim(self) -> Queued:
        return self.claimer().enqueue(self.connection, choose_task_instances)

    def claimer(self) -> Claimer:
        return Claimer(
            memory=self.memory,
            lease_id=self.lease,
            free_slots={"local": dict.fromkeys(RunsIn, 100)},
            has_dag=lambda dag_id: True,
            now=self.now,
            limit=100,
        )

    def tasks(self) -> list[str]:
        return [workload.task_id for workload in self.claim().workloads]

    def commit(self) -> None:
        self.connection.commit()


@contextmanager
def processes(engine: sa.Engine) -> Iterator[tuple[Process, Process]]:
    with engine.connect() as first, engine.connect() as second:
        yield Process(first), Process(second)


@contextmanager
def holding_pool(engine: sa.Engine, name: str) -> Iterator[None]:
    with engine.connect() as connection:
        connection.execute(sa.text(f"SELECT FROM pool WHERE name = '{name}' FOR NO KEY UPDATE"))
        yield


def test_a_pool_that_another_scheduler_holds_is_left_to_it(engine: sa.Engine) -> None:
    begin(engine, make_dag({name: [] for name in TWO_POOLS}, tasks=TWO_POOLS, max_active_tasks=0))
    with processes(engine) as (first, _), holding_pool(engine, "a"):
        queued = first.claim()
        assert [workload.pool for workload in queued.workloads] == ["b", "b"]
        assert queued.next_at == NOW + timedelta(milliseconds=5)
        assert queued.ignores == frozenset()


def test_a_scheduler_that_was_turned_away_asks_for_a_turn_and_then_stands_in_line(engine: sa.Engine) -> None:
    begin(engine, make_dag({"a0": []}, tasks=TWO_POOLS))
    with processes(engine) as (first, _):
        with holding_pool(engine, "a"):
            assert first.tasks() == []
            first.now += timedelta(seconds=1)
            assert first.tasks() == []
            assert "turn_wanted" in take_channels(first.connection)
            first.now += timedelta(seconds=5)
            with pytest.raises(sa.exc.OperationalError, match="lock timeout"):
                first.claim()
        first.connection.rollback()
        assert first.tasks() == ["a0"]
        assert first.memory.turned_away_at is None


def test_who_had_nothing_to_do_meanwhile_does_not_stand_in_line(engine: sa.Engine) -> None:
    begin(engine, make_dag({"a0": []}, tasks=TWO_POOLS))
    with processes(engine) as (first, second):
        with holding_pool(engine, "a"):
            assert first.tasks() == []
        assert second.tasks() == ["a0"]
        second.commit()
        assert first.tasks() == []
        assert first.memory.turned_away_at is None


def test_a_run_is_counted_by_one_scheduler_at_a_time_across_pools(engine: sa.Engine) -> None:
    begin(engine, make_dag({name: [] for name in TWO_POOLS}, tasks=TWO_POOLS, max_active_tasks=3))
    with processes(engine) as (first, second):
        with holding_pool(engine, "b"):
            assert first.tasks() == ["a0", "a1"]  # and does not commit yet
        queued = second.claim()
        assert (queued.workloads, queued.next_at) == ((), NOW + timedelta(milliseconds=5))
        second.commit()
        first.commit()
        assert second.tasks() == ["b0"]


def test_a_task_is_counted_by_one_scheduler_at_a_time_across_versions(engine: sa.Engine) -> None:
    once = {"max_active_tis_per_dag": 1}
    begin(engine, make_dag({"t": []}, tasks={"t": {"pool": "a", **once}}))
    begin(engine, make_dag({"t": []}, tasks={"t": {"pool": "b", **once}}))
    with processes(engine) as (first, second):
        with holding_pool(engine, "b"):
            assert first.tasks() == ["t"]
        assert second.tasks() == []
        second.commit()
        first.commit()
        assert second.tasks() == []


def test_schedulers_in_different_pools_do_not_notice_each_other(engine: sa.Engine) -> None:
    for name in "ab":
        begin(engine, make_dag({"t": []}, dag_id=name, every={"pool": name}))
    with processes(engine) as (first, second):
        with holding_pool(engine, "b"):
            assert first.tasks() == ["t"]
        assert second.tasks() == ["t"]


def test_what_was_claimed_and_not_committed_is_free_again(engine: sa.Engine) -> None:
    begin(engine, make_dag({"t": []}, every={"pool": "a"}))
    with processes(engine) as (first, second):
        first.claim()
        assert second.tasks() == []
        first.connection.rollback()
        assert second.tasks() == ["t"]


def test_a_pool_that_was_made_smaller_takes_nobody_until_it_has_room(engine: sa.Engine) -> None:
    begin(engine, make_dag({name: [] for name in TWO_POOLS}, every={"pool": "a"}))
    with processes(engine) as (first, _):
        resize = partial(first.connection.execute, pool.update().where(pool.c.name == "a"))
        resize({"slots": 2})
        assert len(first.tasks()) == 2
        resize({"slots": 1})
        assert first.tasks() == []
        first.connection.execute(
            task_instance.update().where(task_instance.c.state == "queued"),
            {"state": "success", "lease_id": None},
        )
        assert len(first.tasks()) == 1


def test_a_backlog_of_functions_is_not_read_for_one_process_that_is_free(engine: sa.Engine) -> None:
    begin(engine, make_dag({f"t{n}": [] for n in range(100)}, max_active_tasks=0))
    read = []

    def decide(candidates: Sequence[Candidate], *others: Any, **named: Any) -> EnqueueDecision:
        read.append(len(candidates))
        return choose_task_instances(candidates, *others, **named)

    with engine.connect() as connection:
        process = Process(connection)
        claimer = attrs.evolve(
            process.claimer(), free_slots={"local": {RunsIn.PROCESS: 1, RunsIn.WORKER: 1_000}}
        )
        assert len(claimer.enqueue(connection, decide).workloads) == 1
    assert sum(read) < 20

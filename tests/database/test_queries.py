"""History weighs on no routine: with 50,000 finished task instances, claims use their partial indexes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa

from flowcore.database.claim_memory import ClaimMemory
from flowcore.database.dag_versions import DagVersions
from flowcore.database.queries.active_usage import count_pools, count_runs, count_tasks
from flowcore.database.queries.apply_reports import apply_reports
from flowcore.database.queries.create_dag_runs import create_dag_runs
from flowcore.database.queries.enqueue_task_instances import Claimer
from flowcore.database.queries.expire import expire
from flowcore.database.queries.leases import acquire_lease, release_lease
from flowcore.database.queries.recover_task_instances import recover_task_instances
from flowcore.database.queries.register_dags import register_dag
from flowcore.database.queries.run_views import is_idle
from flowcore.database.queries.schedule_task_instances import schedule_task_instances
from flowcore.database.queries.start_dag_runs import start_dag_runs
from flowcore.database.queries.triggering import trigger_dag_run
from flowcore.database.run_cache import RunCache
from flowcore.database.run_facts import RunFactsCache
from flowcore.database.schema import prepare
from flowcore.domain.workloads import RunsIn, TryOutcome, Workload
from flowcore.scheduler.decisions.create_dag_runs import due_dag_runs
from flowcore.scheduler.decisions.end_tries import end_try, lose_try
from flowcore.scheduler.decisions.enqueue_task_instances import ActiveUsage, choose_task_instances
from flowcore.scheduler.decisions.start_dag_runs import choose_dag_runs
from tests.support.fresh_database import fresh_database
from tests.support.plans import engine_on, plans_of
from tests.support.scheduling import NOW, ended_now, loose

HISTORY = """
INSERT INTO dag_run (dag_id, run_id, dag_version_id, run_type, state, logical_date, run_after, conf, params,
                     queued_at, revision)
SELECT 'etl', 'old' || n, 1, 'manual', 'success', now() - n * interval '1 minute', now(), '{}', '{}', now(), 0
FROM generate_series(1, 5000) AS n;
INSERT INTO task_instance (dag_run_id, dag_id, task_id, position, map_index, state, try_number, max_tries,
                           pool, pool_slots, priority_weight, run_date)
SELECT 1000000 + n / 10, 'etl', 't' || n % 10, n % 10, -1, 'success', 1, 0, 'default_pool', 1, 1, now()
FROM generate_series(1, 50000) AS n;
ANALYZE;
"""


class Life:
    """A run's way through the scheduler, told as units; each is explained before it is carried out."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self.versions, self.cache = DagVersions(), RunCache()
        self.claimed: tuple[Workload, ...] = ()
        self.plans: dict[str, str] = {}

    def live(self, name: str, unit: Callable[[sa.Connection], Any]) -> Any:
        self.plans[name] = plans_of(self.engine, unit)
        with self.engine.begin() as connection:
            return unit(connection)

    def trigger(self) -> None:
        arguments: dict[str, Any] = {"conf": {}, "run_id": None, "logical_date": None}
        self.live("trigger", partial(trigger_dag_run, dag_id="etl", now=NOW, **arguments))

    def start(self) -> None:
        fields = {"own_lease": 0, "versions": self.versions, "now": NOW, "limit": 100}
        self.live("start", partial(start_dag_runs, decide=choose_dag_runs, **fields))

    def enqueue(self) -> None:
        with self.engine.begin() as connection:
            lease = acquire_lease(connection, "scheduler", 60, False)
        claimer = Claimer(
            memory=ClaimMemory(self.versions, RunFactsCache()),
            lease_id=lease,
            free_slots={"local": dict.fromkeys(RunsIn, 100)},
            has_dag=lambda dag_id: True,
            now=NOW,
            limit=100,
        )
        self.claimed = self.live("enqueue", partial(claimer.enqueue, decide=choose_task_instances)).workloads
        usage, keys = ActiveUsage(), [("etl", 1)]
        self.live("pool usage", partial(count_pools, usage=usage, pools=["default_pool"]))
        self.live("run usage", partial(count_runs, usage=usage, runs=keys))
        self.live("task usage", partial(count_tasks, usage=usage, tasks=[("etl", "t1")]))
        self.live("release", partial(release_lease, lease_id=lease))

    def apply(self) -> None:
        ends = [ended_now(workload, TryOutcome.SUCCESS, NOW, xcoms={"k": "1"}) for workload in self.claimed]
        self.live("apply", partial(apply_reports, decide=end_try, started=[], ended=ends))

    def schedule(self) -> None:
        fields = {"own_lease": 0, "cache": self.cache, "versions": self.versions, "now": NOW, "limit": 100}
        self.live("schedule", partial(schedule_task_instances, **fields))

    def upkeep(self) -> None:
        self.live("expire", partial(expire, versions=self.versions, now=NOW, limit=100))
        self.live(
            "recover", partial(recover_task_instances, decide=lose_try, own_lease=0, now=NOW, limit=100)
        )
        fields = {"versions": self.versions, "now": NOW, "limit": 100}
        self.live("create", partial(create_dag_runs, decide=due_dag_runs, **fields))
        self.live("idle", partial(is_idle, dag_ids=["etl"], due_by=None))


@pytest.fixture(scope="module")
def plans(postgres_server: str) -> Iterator[dict[str, str]]:
    """The plans of every routine in a life of ten task instances in the midst of a long history."""
    with fresh_database(postgres_server, "flowcore_plans") as url, engine_on(url) as engine:
        with engine.begin() as connection:
            prepare(connection)
            register_dag(connection, loose(10), now=NOW, paused_at_creation=False)
            connection.execute(sa.text(HISTORY))
        life = Life(engine)
        for step in (life.trigger, life.start, life.enqueue, life.apply, life.schedule, life.upkeep):
            step()
        yield life.plans


@pytest.mark.parametrize(
    ("step", "index"),
    [
        ("start", "ix_dag_run_queued"),
        ("start", "ix_dag_run_running"),
        ("enqueue", "ix_task_instance_scheduled"),
        ("enqueue", "ix_task_instance_active"),
        ("pool usage", "ix_task_instance_pool"),
        ("run usage", "ix_task_instance_active"),
        ("task usage", "ix_task_instance_active"),
        ("apply", "pk_task_instance"),
        ("schedule", "uq_task_instance_dag_run_id"),
        ("expire", "ix_task_instance_due"),
        ("idle", "ix_dag_run_running"),
    ],
)
def test_a_claim_uses_its_index(plans: dict[str, str], step: str, index: str) -> None:
    assert index in plans[step]


@pytest.mark.parametrize(
    "step",
    [
        "trigger",
        "start",
        "enqueue",
        "pool usage",
        "run usage",
        "task usage",
        "release",
        "apply",
        "schedule",
        "expire",
        "recover",
        "create",
        "idle",
    ],
)
def test_no_step_reads_the_whole_history(plans: dict[str, str], step: str) -> None:
    assert re.findall(r"Seq Scan on (task_instance|dag_run)\b", plans[step]) == []

from __future__ import annotations

import pytest
import sqlalchemy as sa

from flowcore.database.queries.deleting import delete_dag, delete_run
from flowcore.database.tables import dag, dag_run, lease, metadata
from flowcore.domain.states import DagRunState, TaskInstanceState
from flowcore.domain.workloads import TryOutcome
from flowcore.errors import DagNotFound, DagRunNotFound, UsageError
from tests.support.scheduling import NOW, Scene, chain, single

#: What is not about Dags.
_SPARED = {"lease", "pool"}


async def remaining(scene: Scene) -> set[str]:
    """The tables that hold anything."""
    tables = [table for name, table in metadata.tables.items() if name not in _SPARED]
    return {table.name for table in tables if await scene.rows(sa.select(table).limit(1))}


async def test_nothing_is_left_of_a_dag_that_was_deleted(scene: Scene) -> None:
    await scene.begin(chain(2, every={"retries": 1}))
    [workload] = await scene.enqueue()
    await scene.end([workload], TryOutcome.FAILED, xcoms={"k": "1"}, rendered_fields={"sql": "select 1"})
    assert await scene.database.run(delete_dag, "etl") == 1
    assert await remaining(scene) == set()


async def test_other_dags_stay(scene: Scene) -> None:
    await scene.begin(single("other"))
    await scene.begin(single())
    await scene.database.run(delete_dag, "etl")
    assert await scene.rows(sa.select(dag.c.dag_id)) == [("other",)]
    assert [work.run.dag_id for work in await scene.enqueue()] == ["other"]


async def test_a_dag_can_come_back_and_nobody_mistakes_it_for_the_old_one(scene: Scene) -> None:
    await scene.begin(chain(2))
    [before] = await scene.hop()
    await scene.database.run(delete_dag, "etl")
    await scene.begin(single())
    [after] = await scene.enqueue()
    assert (before.task_id, after.task_id) == ("t0", "a")
    assert before.run.dag_run_id != after.run.dag_run_id
    assert before.task_instance_id != after.task_instance_id


async def test_a_dag_with_a_try_that_runs_stays(scene: Scene) -> None:
    await scene.begin(single())
    await scene.enqueue()
    with pytest.raises(
        UsageError, match="task 'a' of Dag 'etl' is running or is being stopped; pause the Dag"
    ):
        await scene.database.run(delete_dag, "etl")
    assert await remaining(scene) >= {"dag", "dag_run", "task_instance"}


async def test_a_try_of_a_dead_process_keeps_no_dag(scene: Scene) -> None:
    await scene.begin(single())
    await scene.enqueue()
    await scene.execute(lease.update().values(expires_at=NOW.replace(year=2000)))
    await scene.database.run(delete_dag, "etl")
    assert await remaining(scene) == set()


async def test_a_late_report_of_what_was_deleted_is_refused(scene: Scene) -> None:
    await scene.begin(single())
    workloads = await scene.enqueue()
    await scene.mark(TaskInstanceState.FAILED, "a")
    await scene.schedule()
    await scene.execute(lease.update().values(expires_at=NOW.replace(year=2000)))
    await scene.database.run(delete_dag, "etl")
    assert len((await scene.end(workloads)).refused) == 1


async def test_a_run_is_deleted_alone(scene: Scene) -> None:
    await scene.begin(single())
    await scene.hop()
    other = await scene.trigger(run_id="other")
    [name] = [row.run_id for row in await scene.rows(sa.select(dag_run)) if row.id != other]
    await scene.database.run(delete_run, "etl", name)
    assert [row.id for row in await scene.rows(sa.select(dag_run))] == [other]


async def test_a_run_that_goes_on_is_not_deleted(scene: Scene) -> None:
    await scene.begin(single())
    [run] = await scene.rows(sa.select(dag_run))
    assert run.state == DagRunState.RUNNING
    with pytest.raises(UsageError, match="is running; wait for its end, or mark it failed first"):
        await scene.database.run(delete_run, "etl", run.run_id)


async def test_what_is_not_there_cannot_be_deleted(scene: Scene) -> None:
    await scene.register(single())
    with pytest.raises(DagRunNotFound):
        await scene.database.run(delete_run, "etl", "absent")
    with pytest.raises(DagNotFound):
        await scene.database.run(delete_dag, "absent")

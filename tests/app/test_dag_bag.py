from __future__ import annotations

import pytest

from flowcore.app.dag_bag import DagBag
from flowcore.errors import DagError, TaskNotFound
from tests.app.dags import etl, failing
from tests.runner.tries import RUN, workload_of


async def test_tasks_of_a_dag_are_found() -> None:
    bag, dag = DagBag(), etl(RUN.dag_id)
    bag.add(dag)
    assert await bag.task(workload_of("load")) is dag.get_task("load")


async def test_a_dag_that_is_not_at_hand_tells_the_remedy() -> None:
    with pytest.raises(DagError, match="does not have the Dag 'd': register it here"):
        await DagBag().task(workload_of("load"))


async def test_a_task_that_went_with_an_older_version_is_not_found() -> None:
    bag = DagBag()
    bag.add(etl(RUN.dag_id))
    with pytest.raises(TaskNotFound):
        await bag.task(workload_of("gone"))


def test_a_dag_is_stored_once() -> None:
    bag = DagBag()
    bag.add(etl())
    bag.stored(bag.unstored())
    assert bag.unstored() == ()


def test_what_was_added_while_others_were_stored_still_has_to_be() -> None:
    bag = DagBag()
    bag.add(etl())
    storing = bag.unstored()
    bag.add(etl())
    bag.add(failing())
    bag.stored(storing)
    assert [dag.dag_id for dag in bag.unstored()] == ["etl", "failing"]


def test_a_dag_that_cannot_be_used_leaves_the_older_one() -> None:
    bag, sound = DagBag(), etl()
    bag.add(sound)
    broken = etl()
    broken.get_task("load") >> broken.get_task("extract")
    with pytest.raises(DagError):
        bag.add(broken)
    assert bag.dag_ids == ("etl",)
    assert [dag.dag_id for dag in bag.unstored()] == ["etl"]

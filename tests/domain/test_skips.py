from __future__ import annotations

import pytest

from flowcore.domain.skips import SkipReach, tasks_it_may_skip
from tests.domain.test_dags import TEARDOWN, dag_of


@pytest.mark.parametrize(
    ("reach", "tasks"), [(SkipReach.NOTHING, ""), (SkipReach.DIRECT, "b"), (SkipReach.ALL, "bc")]
)
def test_teardowns_are_spared(reach, tasks):
    dag = dag_of("ab", "at", "bc", "bx", a={"may_skip": reach}, t=TEARDOWN, x=TEARDOWN)
    skippable = tasks_it_may_skip(dag, dag.tasks[dag.position_of["a"]])
    assert "".join(dag.tasks[position].task_id for position in skippable) == tasks

from __future__ import annotations

import pytest

from flowcore.domain.skips import SkipReach
from flowcore.sdk import DAG, BaseOperator, DownstreamTasksSkipped, task
from flowcore.sdk.short_circuits import CutsShort
from tests.sdk.test_branching import Pushes


@task
def work():
    pass


class Check(BaseOperator, CutsShort):
    def execute(self, context): ...


@pytest.fixture
def check():
    with DAG("d"):
        operator = Check("check")
        operator >> work.override(task_id="a")() >> work.override(task_id="b")()
    return operator


def cut_short(check, condition):
    return check.cut_short({"task": check, "ti": Pushes()}, condition)


@pytest.mark.parametrize(
    ("ignores", "reach", "skipped"), [(True, SkipReach.ALL, ["a", "b"]), (False, SkipReach.DIRECT, ["a"])]
)
def test_false_condition_skips_as_far_as_told(check, ignores, reach, skipped):
    check.ignore_downstream_trigger_rules = ignores
    with pytest.raises(DownstreamTasksSkipped) as caught:
        cut_short(check, [])
    assert [other.task_id for other in caught.value.tasks] == skipped
    assert check.skip_reach is reach


def test_true_condition_is_returned(check):
    assert cut_short(check, [0]) == [0]


def test_last_task_has_nothing_to_skip():
    with DAG("d"):
        assert cut_short(Check("last"), None) is None

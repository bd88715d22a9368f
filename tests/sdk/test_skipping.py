from __future__ import annotations

import pytest

from flowcore.domain.skips import SkipReach
from flowcore.errors import DagError
from flowcore.sdk import DAG, BaseOperator, DownstreamTasksSkipped, SkipMixin, task
from flowcore.sdk.skipping import effects_of_skip, skip_reach_of, skippable


@task
def work():
    pass


class Skips(BaseOperator, SkipMixin):
    def execute(self, context): ...


@pytest.fixture
def skipping():
    """A task with b and c after it, and a teardown."""
    with DAG("d"):
        operator = Skips("a")
        b, c, t = (work.override(task_id=name)() for name in "bct")
        operator >> b >> c >> t.as_teardown()
    return operator


def test_class_says_how_far_its_tasks_skip(skipping):
    assert skip_reach_of(skipping) is SkipReach.ALL
    assert skip_reach_of(skipping.downstream_list[0]) is SkipReach.NOTHING
    assert [other.task_id for other in skippable(skipping)] == ["b", "c"]


@pytest.mark.parametrize("named", [["c"], [("c", -1)], ["c", "t"]])
def test_tasks_are_named_in_several_ways_and_teardowns_are_spared(skipping, named):
    assert effects_of_skip(skipping, DownstreamTasksSkipped(tasks=named)).skips == ("c",)


def test_tasks_are_named_by_themselves(skipping):
    skip = DownstreamTasksSkipped(tasks=skipping.get_flat_relatives())
    assert effects_of_skip(skipping, skip).skips == ("b", "c")


def test_only_tasks_after_it_can_be_skipped(skipping):
    with pytest.raises(DagError, match="task 'a' cannot skip x; it may skip b, c"):
        effects_of_skip(skipping, DownstreamTasksSkipped(tasks=["x", "b"]))


def test_class_that_does_not_say_so_cannot_skip(skipping):
    [b] = skipping.downstream_list
    with pytest.raises(DagError, match="task 'b' wants to skip tasks, and its class does not say that"):
        effects_of_skip(b, DownstreamTasksSkipped(tasks=["c"]))


def test_nothing_to_skip_is_no_skip():
    SkipMixin().skip(None, [])
    with pytest.raises(DownstreamTasksSkipped):
        SkipMixin().skip(None, ["a"])

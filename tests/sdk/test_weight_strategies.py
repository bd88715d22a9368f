from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flowcore.abc import PriorityWeightStrategy
from flowcore.errors import DagError
from flowcore.sdk import DAG, task
from tests.support.plug_ins import importable, write_distribution

SOURCE = """
class ByName:
    def get_weight(self, ti):
        return len(ti.task_id)

class Needy(ByName):
    def __init__(self, floor):
        pass
"""


class Answering(PriorityWeightStrategy):
    """Weighs everything the same, and keeps what it was asked about."""

    def __init__(self, answer: Any = 7) -> None:
        self.answer = answer
        self.asked: list[Any] = []

    def get_weight(self, ti: Any) -> int:
        self.asked.append((ti.dag_id, ti.task_id, ti.try_number, ti.map_index, ti.task.owner, ti.pool))
        if isinstance(self.answer, Exception):
            raise self.answer
        answer: int = self.answer
        return answer


@pytest.fixture
def by_name(tmp_path: Path) -> Iterator[None]:
    point = {"by_name": "scales:ByName"}
    write_distribution(tmp_path, "scales", {"scales": SOURCE}, {"flowcore.priority_weight_strategies": point})
    with importable(tmp_path):
        yield


def weights(rule: Any, **arguments: Any) -> list[int]:
    """What the first and the second of two tasks weigh; the first has the rule."""
    with DAG("d") as dag:
        task(task_id="first", weight_rule=rule, **arguments)(print)() >> task(task_id="second")(print)()
    return [one.priority_weight for one in dag.compile().tasks]


@pytest.mark.usefixtures("by_name")
@pytest.mark.parametrize("rule", ["by_name", "scales.ByName"])
def test_a_strategy_has_a_name_or_a_path(rule: str) -> None:
    assert weights(rule) == [5, 1]


def test_a_strategy_is_an_object_or_a_class() -> None:
    assert weights(Answering(3)) == [3, 1]
    assert weights(Answering) == [7, 1]


def test_it_is_asked_about_a_task_instance_without_a_run() -> None:
    strategy = Answering()
    weights(strategy)
    assert strategy.asked == [("d", "first", 0, -1, "airflow", "default_pool")]


def test_the_own_weight_counts_for_tasks_before_it() -> None:
    with DAG("d") as dag:
        first, second = (task(task_id=name)(print)() for name in ("first", "second"))
        first >> second >> task(task_id="third", weight_rule=Answering(100), priority_weight=4)(print)()
    assert [one.priority_weight for one in dag.compile().tasks] == [6, 5, 100]


@pytest.mark.parametrize(
    ("answer", "weight"),
    [(10**30, 2**31 - 1), (-(10**30), -(2**31)), (math.inf, 2**31 - 1), (2.9, 2)],
)
def test_what_is_too_much_for_the_database_is_clamped(answer: Any, weight: int) -> None:
    assert weights(Answering(answer)) == [weight, 1]


@pytest.mark.parametrize("answer", [ValueError("no"), None, "7", True, math.nan])
def test_one_that_fails_leaves_the_tasks_own_weight(answer: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert weights(Answering(answer), priority_weight=4) == [4, 1]
    assert "the weight strategy Answering of task first failed; the task weighs 4" in caplog.text


@pytest.mark.usefixtures("by_name")
@pytest.mark.parametrize("rule", ["scales.Absent", "scales.Needy", "absent.Absent"])
def test_one_that_cannot_be_made_is_refused_with_the_reason(rule: str) -> None:
    with pytest.raises(
        DagError, match=r"the weight strategy 'a?\w+.\w+' cannot be made \(\w+: .*mend or install"
    ):
        weights(rule)


@pytest.mark.parametrize("rule", ["sideways", 3, object(), "a.", ".a"])
def test_what_is_no_rule_is_refused(rule: Any) -> None:
    with pytest.raises(
        DagError, match="upstream, a PriorityWeightStrategy, its path, or the name of a plug-in"
    ):
        weights(rule)

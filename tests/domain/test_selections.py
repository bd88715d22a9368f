from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from flowcore.domain.dags import Dag
from flowcore.domain.selections import (
    TaskSelection,
    matching_tasks,
    tasks_to_clear,
    tasks_to_mark,
)
from flowcore.errors import UsageError
from tests.support.scheduling import make_dag

DIAMOND = make_dag({"a": [], "b1": ["a"], "b2": ["a"], "c": ["b1", "b2"], "alone": []})
SERVED = make_dag(
    {"setup": [], "work": ["setup"], "more": ["work"], "teardown": ["setup", "more"], "after": ["more"]},
    tasks={"setup": {"is_setup": True}, "teardown": {"is_teardown": True}},
)


def names(dag: Dag, positions: Iterable[int]) -> set[str]:
    return {dag.tasks[position].task_id for position in positions}


def select(*task_ids: str, upstream: bool = False, downstream: bool = False) -> TaskSelection:
    return TaskSelection(task_ids=frozenset(task_ids), upstream=upstream, downstream=downstream)


def test_without_names_all_tasks_are_meant() -> None:
    assert TaskSelection().is_everything
    assert names(DIAMOND, matching_tasks(DIAMOND, TaskSelection())) == {"a", "b1", "b2", "c", "alone"}


@pytest.mark.parametrize(
    ("pattern", "found"), [("b", {"b1", "b2"}), ("^a$", {"a"}), ("a|c", {"a", "c", "alone"}), ("x", set())]
)
def test_a_pattern_is_found_anywhere_in_the_id(pattern: str, found: set[str]) -> None:
    assert names(DIAMOND, matching_tasks(DIAMOND, TaskSelection(task_regex=pattern))) == found


def test_a_pattern_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="is no regular expression"):
        matching_tasks(DIAMOND, TaskSelection(task_regex="*"))


@pytest.mark.parametrize("choose", [tasks_to_clear, tasks_to_mark])
def test_relatives_are_added_in_either_direction(
    choose: Callable[[Dag, TaskSelection], frozenset[int]],
) -> None:
    assert names(DIAMOND, choose(DIAMOND, select("b1"))) == {"b1"}
    assert names(DIAMOND, choose(DIAMOND, select("b1", upstream=True))) == {"a", "b1"}
    assert names(DIAMOND, choose(DIAMOND, select("b1", downstream=True))) == {"b1", "c"}
    assert names(DIAMOND, choose(DIAMOND, select("b1", upstream=True, downstream=True))) == {"a", "b1", "c"}


def test_who_clears_work_clears_what_is_set_up_for_it() -> None:
    assert names(SERVED, tasks_to_clear(SERVED, select("work"))) == {"setup", "work", "teardown"}


def test_what_was_torn_down_before_a_task_is_not_cleared_with_it() -> None:
    assert names(SERVED, tasks_to_clear(SERVED, select("after"))) == {"after"}


def test_who_clears_a_setup_clears_its_teardown_but_not_the_reverse() -> None:
    assert names(SERVED, tasks_to_clear(SERVED, select("setup"))) == {"setup", "teardown"}
    assert names(SERVED, tasks_to_clear(SERVED, select("teardown"))) == {"teardown"}


def test_setups_upstream_bring_their_teardowns() -> None:
    cleared = names(SERVED, tasks_to_clear(SERVED, select("after", upstream=True)))
    assert cleared == {"setup", "work", "more", "after", "teardown"}


def test_marks_leave_setups_alone() -> None:
    assert names(SERVED, tasks_to_mark(SERVED, select("work"))) == {"work"}


def test_elements_of_mapped_tasks_can_be_chosen() -> None:
    chosen = TaskSelection(map_indexes=frozenset({2}))
    assert [index for index in (-1, 1, 2) if chosen.covers(index)] == [-1, 2]
    assert TaskSelection().covers(7)

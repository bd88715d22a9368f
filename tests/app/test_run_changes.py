from __future__ import annotations

from flowcore.app.run_changes import only_states, select_tasks
from flowcore.domain.selections import TaskSelection


def test_without_ids_all_tasks_are_meant() -> None:
    assert select_tasks((), {}).is_everything


def test_relatives_are_handed_on() -> None:
    chosen = select_tasks(["a"], {"upstream": True, "map_indexes": [1]})
    assert chosen == TaskSelection(task_ids=frozenset({"a"}), upstream=True, map_indexes=frozenset({1}))


def test_states_are_restricted_only_when_that_is_asked() -> None:
    assert only_states(only_failed=False, only_running=False) is None
    assert only_states(only_failed=True, only_running=False) == {"failed", "upstream_failed"}
    assert only_states(only_failed=True, only_running=True) == {
        "failed",
        "upstream_failed",
        "queued",
        "running",
    }

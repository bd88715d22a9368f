from __future__ import annotations

from flowcore.database.run_cache import RunCache
from flowcore.scheduler.decisions.run_progress import RunProgress
from tests.support.scheduling import chain


def progress(tasks: int = 1, *, revision: int = 0) -> RunProgress:
    return RunProgress(chain(tasks), revision=revision)


def test_what_is_remembered_is_taken_out_once() -> None:
    cache, remembered = RunCache(), progress()
    cache.put(1, remembered)
    assert cache.take(1, 0) is remembered
    assert cache.take(1, 0) is None


def test_another_revision_is_forgotten() -> None:
    cache = RunCache()
    cache.put(1, progress(revision=3))
    assert cache.take(1, 4) is None
    assert len(cache) == 0


def test_runs_unused_for_longest_make_room_for_task_instances() -> None:
    cache = RunCache(task_instances_max=10)
    for run in (1, 2, 3):
        cache.put(run, progress(4))
    assert [cache.take(run, 0) is not None for run in (1, 2, 3)] == [False, True, True]


def test_a_run_that_is_put_again_counts_once() -> None:
    cache = RunCache(task_instances_max=10)
    for _ in range(5):
        cache.put(1, progress(4))
    cache.put(2, progress(4))
    assert len(cache) == 2


def test_a_run_that_is_larger_than_all_room_is_not_remembered() -> None:
    cache = RunCache(task_instances_max=10)
    cache.put(1, progress(11))
    assert len(cache) == 0

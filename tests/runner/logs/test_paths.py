from __future__ import annotations

from pathlib import Path

import attrs
from hypothesis import given
from hypothesis import strategies as st

from flowcore.runner.logs.paths import log_path, task_instance_folder, try_numbers
from tests.runner.tries import RUN, workload_of


def test_each_try_has_a_file_of_its_own():
    workload = attrs.evolve(workload_of("t"), try_number=3)
    assert log_path(workload) == Path("dag_id=d/run_id=manual__1/task_id=t/attempt=3.log")
    mapped = attrs.evolve(workload, map_index=2)
    assert log_path(mapped) == Path("dag_id=d/run_id=manual__1/task_id=t/map_index=2/attempt=3.log")


def test_date_in_a_run_id_stays_readable():
    run = attrs.evolve(RUN, run_id="scheduled__2024-01-01T00:00:00+00:00")
    assert "run_id=scheduled__2024-01-01T00:00:00+00:00" in log_path(workload_of("t", run=run)).parts


@given(st.text(min_size=1))
def test_no_run_id_leaves_its_folder(run_id):
    folder = task_instance_folder("d", run_id, "t")
    assert len(folder.parts) == 3
    assert all(0 < len(part.encode()) <= 255 and "\0" not in part for part in folder.parts)


@given(st.text(min_size=1), st.text(min_size=1))
def test_two_runs_never_share_a_folder(one, other):
    assert (task_instance_folder("d", one, "t") == task_instance_folder("d", other, "t")) == (one == other)


def test_long_run_ids_are_told_apart_by_their_ends():
    one, other = (task_instance_folder("d", "x" * 300 + end, "t") for end in "ab")
    assert one != other


def test_tries_are_found_by_their_logs(tmp_path):
    for name in ("attempt=10.log", "attempt=2.log", "attempt=x.log", "other"):
        (tmp_path / name).touch()
    assert try_numbers(tmp_path) == [2, 10]
    assert try_numbers(tmp_path / "absent") == []

"""A scheduler that is told to stop: gone in time, nothing left behind, and the work goes on later."""

from __future__ import annotations

from signal import SIGINT, SIGTERM

import pytest

from tests.acceptance.installation import Installation

pytestmark = pytest.mark.slow

#: Three coroutines and two functions that wait, between a first and a last task.
DAG = """
@dag
def work():
    @task
    def first():
        mark("begin"), mark("end")

    @task
    async def coroutine():
        mark("begin")
        while not GO.exists():
            await anyio.sleep(0.02)
        mark("end")

    @task
    def function():
        mark("begin")
        while not GO.exists():
            time.sleep(0.02)
        mark("end")

    @task
    def last():
        mark("begin"), mark("end")

    coroutines = [coroutine.override(task_id=f"coroutine_{n}")() for n in range(3)]
    functions = [function.override(task_id=f"function_{n}")() for n in range(FUNCTIONS)]
    first() >> coroutines + functions >> last()

work()
"""
CHAINS = """
@dag
def work():
    @task
    async def coroutine():
        mark("begin")
        await anyio.sleep(0.02)
        mark("end")

    @task
    def function():
        mark("begin")
        time.sleep(0.02)
        mark("end")

    for kind in (coroutine, function):
        for chain in range(5):
            before = kind.override(task_id=f"{kind.__name__}_{chain}_0")()
            for link in range(1, 6):
                after = kind.override(task_id=f"{kind.__name__}_{chain}_{link}")()
                before >> after
                before = after

work()
"""
COROUTINES = [f"mine.coroutine_{n}" for n in range(3)]
FUNCTIONS = ["mine.function_0", "mine.function_1"]


@pytest.fixture
def coroutines(installation: Installation) -> Installation:
    installation.write_dag("FUNCTIONS = 0" + DAG)
    installation.trigger("work", "mine")
    return installation


@pytest.fixture
def with_functions(hasty: Installation) -> Installation:
    hasty.write_dag("FUNCTIONS = 2" + DAG)
    hasty.trigger("work", "mine")
    return hasty


def test_tries_that_end_in_the_grace_period_are_recorded(coroutines):
    with coroutines.scheduler("--grace", "600") as scheduler:
        coroutines.wait_for_marks("begin", 4)
        coroutines.go()
        assert scheduler.stop(SIGTERM) == 0
    assert (coroutines.active(), coroutines.rows("SELECT * FROM lease")) == ([], [])
    with coroutines.scheduler():
        assert coroutines.wait_for_run("mine") == "success"
    assert coroutines.marks("begin") == coroutines.marks("end")
    assert len(coroutines.marks("end")) == 5


def test_coroutines_that_do_not_end_are_given_back_and_run_again(coroutines):
    with coroutines.scheduler("--grace", "0.5") as scheduler:
        coroutines.wait_for_marks("begin", 4)
        assert scheduler.stop(SIGTERM) == 0
        scheduler.wait_until_alone()
    assert (coroutines.active(), coroutines.rows("SELECT * FROM lease")) == ([], [])
    coroutines.go()
    with coroutines.scheduler():
        assert coroutines.wait_for_run("mine") == "success"
    assert coroutines.marks("end") == [*COROUTINES, "mine.first", "mine.last"]
    # A stop is nobody's failure.
    assert coroutines.rows("SELECT DISTINCT try_number FROM task_instance") == [(1,)]


def test_processes_that_do_not_end_are_ended_and_given_back(with_functions):
    with with_functions.scheduler("--grace", "0.5") as scheduler:
        with_functions.wait_for_marks("begin", 6)
        assert scheduler.stop(SIGTERM) == 0
        scheduler.wait_until_alone()
    assert (with_functions.active(), with_functions.rows("SELECT * FROM lease")) == ([], [])
    with_functions.go()
    with with_functions.scheduler():
        assert with_functions.wait_for_run("mine") == "success"
    assert with_functions.marks("end") == [*COROUTINES, "mine.first", *FUNCTIONS, "mine.last"]
    assert with_functions.rows("SELECT DISTINCT try_number FROM task_instance") == [(1,)]


def test_threads_that_do_not_end_are_abandoned_and_run_again(with_functions):
    with with_functions.scheduler("--grace", "0.5", "--executor", "in-process") as scheduler:
        with_functions.wait_for_marks("begin", 6)
        assert scheduler.stop(SIGTERM) == 3
        scheduler.wait_until_alone()
    assert with_functions.active() == ["function_0", "function_1"]
    with_functions.go()
    with with_functions.scheduler():
        assert with_functions.wait_for_run("mine") == "success"
    assert with_functions.marks("end") == [*COROUTINES, "mine.first", *FUNCTIONS, "mine.last"]


def test_a_second_signal_skips_the_grace_period(coroutines):
    with coroutines.scheduler("--grace", "600") as scheduler:
        coroutines.wait_for_marks("begin", 4)
        assert scheduler.stop(SIGINT, SIGTERM) == 0
    assert coroutines.active() == []


def test_stop_in_the_middle_of_everything_loses_and_repeats_nothing(installation):
    installation.write_dag(CHAINS)
    installation.trigger("work", "mine")
    for progress in (1, 30):
        with installation.scheduler("--grace", "10") as scheduler:
            installation.wait_for_marks("end", progress)
            assert scheduler.stop(SIGTERM) == 0
        assert (installation.active(), installation.rows("SELECT * FROM lease")) == ([], [])
    with installation.scheduler():
        assert installation.wait_for_run("mine") == "success"
    assert len(set(installation.marks("end"))) == len(installation.marks("begin")) == 60

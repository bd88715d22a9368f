from __future__ import annotations

import pytest

from flowcore.errors import ParamError, UsageError
from flowcore.sdk import DAG, Param, TaskFailed, Variable, chain, dag, setup, task, teardown


@pytest.fixture(params=["asyncio", "trio"])
def backend(request):
    return request.param


@dag(params={"size": Param(2, type="integer")})
def example():
    @task
    async def numbers(params=None):
        return list(range(params["size"]))

    @task
    def total(values):
        return sum(values) + int(Variable.get("offset"))

    total(numbers())


def test_a_dag_is_run_to_its_end(backend, monkeypatch):
    monkeypatch.setenv("FLOWCORE_VAR_OFFSET", "10")
    ended = example().test(run_conf={"size": 4}, backend=backend)
    assert (ended.state, ended.tasks["total"].returned) == ("success", 16)


def test_what_fails_is_told_with_its_error(backend):
    with DAG("failing") as failing:

        @task
        def breaks():
            raise TaskFailed("broken on purpose")

        @task
        def follows(): ...

        chain(breaks(), follows())
    ended = failing.test(backend=backend)
    assert (ended.state, ended.tasks["follows"].state) == ("failed", "upstream_failed")
    assert "broken on purpose" in ended.tasks["breaks"].error


def test_retries_follow_at_once_and_the_dag_stays_as_it_is(backend):
    with DAG("flaky", is_paused_upon_creation=True) as flaky:

        @task(retries=1)
        def second_time(try_number=None):
            if try_number == 1:
                raise ValueError("not yet")
            return try_number

        second_time()
    assert flaky.test(backend=backend).tasks["second_time"].returned == 2
    assert (flaky.is_paused_upon_creation, flaky.get_task("second_time").retry_delay.seconds) == (True, 300)


def test_conf_that_breaks_the_params_is_refused(backend):
    with pytest.raises(ParamError, match="size"):
        example().test(run_conf={"size": "big"}, backend=backend)


async def test_coroutines_are_told_what_to_do_instead():
    with pytest.raises(UsageError, match=r"was called in a coroutine .* use `async with flowcore\.open"):
        example().test()


def test_setups_and_teardowns_have_their_say(backend):
    with DAG("prepared") as prepared:

        @setup
        def make(): ...

        @teardown
        def remove(): ...

        @task
        def work():
            raise TaskFailed("broken on purpose")

        created = make()
        created >> work() >> remove().as_teardown(setups=created)
    ended = prepared.test(backend=backend)
    assert (ended.state, ended.tasks["remove"].state) == ("failed", "success")

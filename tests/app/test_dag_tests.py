from __future__ import annotations

import pytest

from flowcore.errors import ParamError, UsageError
from flowcore.sdk import (
    DAG,
    Param,
    TaskFailed,
    TaskSkipped,
    Variable,
    chain,
    dag,
    setup,
    task,
    task_group,
    teardown,
)


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


@task
def numbers():
    return [1, 2, 3]


@task
def add(x, y=0):
    return x + y


@task
async def listed(values):
    return list(values)


def test_tasks_are_mapped_over_what_others_return(backend):
    with DAG("mapped") as mapped:
        more = add.partial(y=10).expand(x=numbers())
        listed.override(task_id="more")(more)
        pairs = more.zip(add.override(task_id="b").expand(x=[5, 6]))
        listed.override(task_id="pairs")(add.override(task_id="c").expand(x=pairs.map(sum)))
        listed.override(task_id="both")(add.override(task_id="d").expand(x=[1, 2], y=numbers()))
        listed.override(task_id="lists")(more.concat(more).map(str))
    ended = mapped.test(backend=backend)
    assert ended.tasks["add[2]"].returned == 13
    assert {name: ended.tasks[name].returned for name in ("more", "pairs", "both", "lists")} == {
        "more": [11, 12, 13],
        "pairs": [16, 18],
        "both": [2, 3, 4, 3, 4, 5],
        "lists": ["11", "12", "13"] * 2,
    }


@task
async def own(ti=None):
    return await ti.axcom_pull("sums.second")


def test_tasks_of_a_mapped_group_see_each_other_by_index(backend):
    @task_group
    def sums(x, y):
        first = add.override(task_id="first")(x, y)
        out = add.override(task_id="second")(first, first)
        out >> own()
        return out

    with DAG("mapped") as mapped:

        @task
        def pulled(ti=None):
            return ti.xcom_pull("sums.second")

        sums.partial(y=1).expand(x=numbers()) >> pulled()
    ended = mapped.test(backend=backend)
    assert (ended.state, ended.tasks["pulled"].returned) == ("success", [4, 6, 8])
    assert [ended.tasks[f"sums.own[{index}]"].returned for index in range(3)] == [4, 6, 8]


@pytest.mark.parametrize(
    ("returned", "complaint"),
    [
        (None, "returned nothing"),
        (5, "returned something of type int"),
        ("text", "returned something of type str"),
        (list(range(1025)), "1,025 elements, and max_map_length is 1,024"),
    ],
)
def test_a_source_that_cannot_be_mapped_over_fails_with_the_reason(returned, complaint):
    with DAG("mapped") as mapped:

        @task
        def source():
            return returned

        add.expand(x=source())
    ended = mapped.test()
    assert (ended.tasks["source"].state, ended.tasks["add"].state) == ("failed", "upstream_failed")
    assert complaint in ended.tasks["source"].error
    assert "and other tasks are mapped over it" in ended.tasks["source"].error


def test_an_element_that_is_skipped_on_the_way_skips_its_instance(backend):
    def odd(number):
        if number % 2 == 0:
            raise TaskSkipped("even")
        return number

    with DAG("mapped") as mapped:
        listed.override(trigger_rule="none_failed")(add.expand(x=numbers().map(odd)))
    ended = mapped.test(backend=backend)
    assert (ended.tasks["add[1]"].state, ended.tasks["listed"].returned) == ("skipped", [1, 3])


def test_callbacks_of_the_dag_are_called_before_it_returns(backend):
    said = []
    with DAG("d", on_success_callback=lambda context: said.append(context["ti"].task_id)) as made:
        task(task_id="t")(lambda: 1)()
    made.test(backend=backend)
    assert said == ["t"]

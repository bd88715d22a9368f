from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor

import anyio.to_thread
import pytest

from flowcore.errors import DagError, UsageError
from flowcore.sdk import BaseOperator, TaskInstance
from flowcore.sdk.exceptions import XComHoldsSecret, XComNotJson
from flowcore.secrets.masking import PROCESS
from tests.runner.tries import DATED_RUN, MOMENT, XComs, ti_of

VALUES = {
    ("up", -1, "return_value"): 1,
    ("side", -1, "return_value"): 2,
    ("up", -1, "k"): 3,
    ("mapped", 0, "return_value"): "a",
    ("mapped", 1, "return_value"): "b",
}


@pytest.fixture
async def ti():
    return ti_of(BaseOperator("me"), xcoms=XComs(VALUES))


async def test_it_says_which_try_it_is(ti: TaskInstance):
    assert (ti.dag_id, ti.run_id, ti.task_id) == ("d", "manual__1", "me")
    assert (ti.map_index, ti.try_number, ti.max_tries, ti.start_date) == (-1, 1, 2, MOMENT)
    assert ti.task.task_id == "me"


async def test_it_says_how_it_stands(ti: TaskInstance):
    assert (ti.state, ti.end_date, ti.duration, ti.is_mapped) == ("running", None, None, False)
    assert (ti.id, ti.pool, ti.pool_slots, ti.queue, ti.priority_weight) == (
        1,
        "default_pool",
        1,
        "default",
        1,
    )
    assert (ti.operator, ti.hostname) == ("BaseOperator", socket.gethostname())


async def test_its_pages_are_below_the_base_url(ti: TaskInstance, monkeypatch):
    page = "/dags/d/runs/manual__1/tasks/me?try_number=1"
    assert ti.log_url == f"http://localhost:8080{page}"
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://flow.example/")
    assert ti.log_url == ti.mark_success_url == f"https://flow.example{page}"


@pytest.mark.parametrize(
    ("task_ids", "options", "expected"),
    [
        ("up", {}, 1),
        ("up", {"key": "k"}, 3),
        (["side", "up", "none"], {}, [2, 1, None]),
        (["none", "up"], {"default": 9}, [9, 1]),
        ("none", {"default": 9}, 9),
        (None, {}, None),
        ([], {}, []),
        ("mapped", {}, ["a", "b"]),
        (["up", "mapped"], {}, [1, "a", "b"]),
        ("mapped", {"map_indexes": 1}, "b"),
        ("mapped", {"map_indexes": [1, 5]}, ["b", None]),
        ("mapped", {"map_indexes": 5, "default": 9}, 9),
        ("up", {"map_indexes": None}, 1),
        (["up", "mapped"], {"map_indexes": 0}, [None, "a"]),
    ],
)
async def test_coroutines_and_functions_pull_the_same(ti, task_ids, options, expected):
    assert await ti.axcom_pull(task_ids, **options) == expected
    assert await anyio.to_thread.run_sync(lambda: ti.xcom_pull(task_ids, **options)) == expected


async def test_other_runs_are_searched():
    xcoms = XComs(VALUES)
    ti = ti_of(BaseOperator("me"), run=DATED_RUN, xcoms=xcoms)
    assert await ti.axcom_pull("up", "other") == 1
    assert await ti.axcom_pull("up", run_id="r") == 1
    assert await ti.axcom_pull("up", include_prior_dates=True) == 1
    assert xcoms.searches == [("other", "manual__1", None), ("d", "r", None), ("d", "manual__1", MOMENT)]


async def test_own_xcoms_are_not_those_of_another_run(ti):
    ti.xcom_push("k", 1)
    assert await ti.axcom_pull("me", run_id="r", key="k") is None


async def test_own_xcoms_can_be_pulled_before_the_end(ti):
    ti.xcom_push("k", (1, 2))
    assert await ti.axcom_pull(key="k") == [1, 2]


async def test_pull_on_the_loop_is_refused_with_the_way_out(ti):
    with pytest.raises(UsageError, match=r"use `await ti\.axcom_pull"):
        ti.xcom_pull("up")


async def test_pull_from_a_thread_of_the_author_works(ti):
    def pull_in_own_thread():
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(ti.xcom_pull, "up").result()

    assert await anyio.to_thread.run_sync(pull_in_own_thread) == 1


@pytest.mark.parametrize("value", [object(), {1j}, float("nan"), {"k": [range(3)]}, {(1, 2): 3}])
async def test_value_that_is_not_json_is_refused(ti, value):
    with pytest.raises(XComNotJson, match=f"'me' cannot push XCom 'k' of type {type(value).__name__}"):
        ti.xcom_push("k", value)


async def test_value_that_contains_itself_is_refused(ti):
    value: list[object] = []
    value.append(value)
    with pytest.raises(XComNotJson):
        ti.xcom_push("k", value)


@pytest.mark.parametrize("key", ["", "x" * 513])
async def test_bad_key_is_refused(ti, key):
    with pytest.raises(DagError, match="use a string of 1 to 512 characters"):
        ti.xcom_push(key, 1)


HOLDING_A_SECRET = ["planted-4711", {"url": "http://me:planted-4711@host"}, ["bWU6cGxhbnRlZC00NzEx"]]


@pytest.mark.parametrize("value", HOLDING_A_SECRET)
async def test_a_secret_is_refused_and_not_named(value):
    ti = ti_of(BaseOperator("me"))
    PROCESS.add(["planted-4711"])
    with pytest.raises(XComHoldsSecret, match="push the id of the connection or the key") as caught:
        ti.xcom_push("k", value)
    assert "4711" not in str(caught.value)

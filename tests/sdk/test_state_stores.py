from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from flowcore.errors import UsageError
from flowcore.sdk import DAG, NEVER_EXPIRE, Asset, AssetAlias, task

ORDERS = Asset(name="orders", uri="s3://warehouse/orders")
PARTS = Asset(name="parts", uri="s3://warehouse/parts")


@pytest.fixture(params=["asyncio", "trio"])
def backend(request):
    return request.param


def returned(function, backend, **arguments):
    """What a task returns that runs `function`, or the error that it ends with."""
    with DAG("keeping") as dag:
        task(task_id="it", **arguments)(function)()
    ended = dag.test(backend=backend).tasks["it"]
    return ended.error or ended.returned


def test_a_retry_goes_on_where_the_last_try_was(backend):
    def resumes(ti, task_state_store):
        done = task_state_store.get("done", default=[])
        task_state_store.set("done", [*done, ti.try_number], retention=NEVER_EXPIRE)
        if ti.try_number < 3:
            raise RuntimeError("not yet")
        return task_state_store.get("done")

    assert returned(resumes, backend, retries=2) == [1, 2, 3]


def test_coroutines_have_the_same_by_awaiting(backend):
    async def keeps(task_state_store):
        await task_state_store.aset("a", {"n": 1}, retention=timedelta(hours=1))
        await task_state_store.aset("b", 2)
        await task_state_store.adelete("b")
        first = await task_state_store.aget("a"), await task_state_store.aget("b", "none")
        await task_state_store.aclear()
        return [*first, await task_state_store.aget("a")]

    assert returned(keeps, backend) == [{"n": 1}, "none", None]


def test_tasks_share_the_state_of_an_asset(backend):
    with DAG("sharing") as dag:

        @task(outlets=[ORDERS])
        def writes(asset_state_store):
            asset_state_store[ORDERS].set("watermark", 7)

        @task(inlets=[ORDERS, PARTS])
        def reads(asset_state_store):
            return asset_state_store[ORDERS].get("watermark"), asset_state_store[PARTS].get("watermark")

        writes() >> reads()
    assert dag.test(backend=backend).tasks["reads"].returned == [7, None]


def test_a_task_with_one_asset_need_not_name_it(backend):
    def keeps(asset_state_store):
        asset_state_store.set("watermark", 1)
        return asset_state_store[ORDERS].get("watermark"), asset_state_store.get("watermark")

    assert returned(keeps, backend, inlets=[ORDERS], outlets=[ORDERS]) == [1, 1]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda task_state_store: task_state_store.set("a", None), "cannot be None"),
        (lambda task_state_store: task_state_store.set("a", datetime.now(UTC)), "isoformat"),
        (lambda task_state_store: task_state_store.set("a", 1, retention=timedelta()), "over at once"),
        (lambda asset_state_store: asset_state_store.get("a"), "the task has 2 assets"),
        (lambda asset_state_store: asset_state_store[Asset("other")], "none of the task's assets"),
        (lambda asset_state_store: asset_state_store[AssetAlias("some")], "has no state"),
        (lambda asset_state_store: asset_state_store["orders"], "is no asset"),
    ],
)
def test_mistakes_are_told_with_a_remedy(wrong, message):
    error = returned(wrong, "asyncio", inlets=[ORDERS], outlets=[PARTS])
    assert message in error


def test_messages_of_mistakes_are_usage_errors():
    error = returned(lambda task_state_store: task_state_store.set("a", None), "asyncio")
    assert UsageError.__name__ in error

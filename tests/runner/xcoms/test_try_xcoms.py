from __future__ import annotations

import json
import threading

import pytest

from flowcore.domain.try_settings import TrySettings
from flowcore.domain.workloads import TryOutcome
from flowcore.runner.xcoms.try_xcoms import TryXComs
from flowcore.sdk import DAG, task
from flowcore.sdk.comms.questions import answered
from flowcore.sdk.exceptions import XComHoldsSecret, XComTooLarge
from flowcore.secrets.masking import PROCESS
from tests.runner.tries import XComs, try_of, workload_of
from tests.runner.xcom_backends import KeptElsewhere

ELSEWHERE = TrySettings(xcom_backend="tests.runner.xcom_backends.KeptElsewhere")
BOTH_KINDS = pytest.mark.parametrize("is_async", [False, True])


@pytest.fixture(autouse=True)
def kept():
    KeptElsewhere.values, KeptElsewhere.threads, KeptElsewhere.purged = {}, set(), []
    return KeptElsewhere


def xcoms_of(settings=TrySettings(), *, is_async=False, token=1):
    pushed = {}
    workload = workload_of("t", token=token)
    return TryXComs(workload, settings, pushed=pushed, is_async=is_async), pushed


def done(question):
    """The result of a question that only waits for the backend."""
    return answered(question, None)


def test_without_a_backend_values_are_json():
    xcoms, pushed = xcoms_of()
    xcoms.push("k", {"a": [1, None]})
    assert pushed == {"k": '{"a": [1, null]}'}
    assert done(xcoms.values(["[1]", None], default=3)) == [[1], 3]


def test_more_than_the_limit_is_refused():
    xcoms, _ = xcoms_of(TrySettings(max_xcom_bytes=10))
    xcoms.push("k", "x" * 8)
    with pytest.raises(XComTooLarge, match=r"11 bytes of JSON, and max_xcom_bytes is 10; .*=objects"):
        xcoms.push("k", "x" * 9)


def test_what_counts_is_what_the_database_keeps(kept):
    xcoms, pushed = xcoms_of(TrySettings(xcom_backend=ELSEWHERE.xcom_backend, max_xcom_bytes=20))
    xcoms.push("k", "x" * 1_000)
    assert (pushed, kept.values) == ({"k": '"kept:t:1:k"'}, {"kept:t:1:k": "x" * 1_000})


def test_a_secret_is_not_written_elsewhere_either(kept):
    PROCESS.add(["s3cret-of-the-warehouse"])
    with pytest.raises(XComHoldsSecret, match="'t' cannot push XCom 'k': a secret is in it"):
        xcoms_of(ELSEWHERE)[0].push("k", {"dsn": "x:s3cret-of-the-warehouse@db"})
    assert kept.values == {}


def test_functions_wait_for_the_backend_when_they_push(kept):
    xcoms, pushed = xcoms_of(ELSEWHERE)
    xcoms.push("k", {1, 2})
    assert pushed == {"k": '"kept:t:1:k"'}
    assert done(xcoms.values([pushed["k"]])) == [{1, 2}]


def test_what_a_coroutine_pushes_is_handed_over_later(kept):
    xcoms, pushed = xcoms_of(ELSEWHERE, is_async=True)
    xcoms.push("k", 1)
    xcoms.push("other", 2)
    xcoms.push("k", 3)
    assert pushed == kept.values == {}
    done(xcoms.settled())
    assert (list(pushed), list(kept.values.values())) == (["k", "other"], [3, 2])


def test_a_coroutine_may_wait_for_the_backend(kept):
    xcoms, _ = xcoms_of(ELSEWHERE, is_async=True)
    xcoms.push("k", 1)
    done(xcoms.push_waiting("k", 2))
    done(xcoms.settled())
    assert kept.values == {"kept:t:1:k": 2}


@pytest.mark.parametrize(("token", "is_purged"), [(1, False), (2, True)])
def test_what_earlier_tries_left_is_purged(kept, token, is_purged):
    done(xcoms_of(ELSEWHERE, token=token)[0].purged())
    assert [(place.task_id, place.token, place.key) for place in kept.purged] == [("t", 2, "")] * is_purged


def test_arguments_of_the_backend_are_those_of_the_settings(kept):
    settings = TrySettings(xcom_backend=ELSEWHERE.xcom_backend, xcom_backend_kwargs='{"prefix": "p"}')
    xcoms_of(settings)[0].push("k", 1)
    assert kept.values == {"p:t:1:k": 1}


def test_backends_written_for_airflow_can_be_used():
    xcoms, pushed = xcoms_of(TrySettings(xcom_backend="tests.runner.xcom_backends.SetsForAirflow"))
    xcoms.push("k", {2, 1})
    assert pushed == {"k": '"t/k:[1, 2]"'}
    assert done(xcoms.values([pushed["k"], "5"])) == [{1, 2}, 5]


@BOTH_KINDS
async def test_tries_hand_values_on_through_the_backend(kept, is_async):
    def double(x, ti):
        ti.xcom_push("k", x * 2)
        return {x * 4}

    async def adouble(x, ti):
        await ti.axcom_push("k", x * 2)
        return {x * 4}

    kept.values["kept:up"] = 3
    with DAG("d"):
        source = task(task_id="up")(print)()
        out = task(task_id="t")(adouble if is_async else double)(source)
    xcoms = XComs({("up", -1, "return_value"): "kept:up"})
    ending = await try_of(out, xcoms=xcoms, settings=ELSEWHERE).run()
    assert ending.error is None
    assert {json.loads(text) for text in ending.xcoms.values()} == {"kept:t:1:k", "kept:t:1:return_value"}
    assert (kept.values["kept:t:1:k"], kept.values["kept:t:1:return_value"]) == (6, {12})


@BOTH_KINDS
async def test_the_event_loop_never_waits_for_the_backend(kept, is_async):
    def push(ti):
        ti.xcom_push("k", 1)
        return 2

    async def apush(ti):
        ti.xcom_push("k", 1)
        assert await ti.axcom_pull(key="k") == 1
        return 2

    with DAG("d"):
        out = task(task_id="t")(apush if is_async else push)()
    ending = await try_of(out, settings=ELSEWHERE, token=2).run()
    assert (ending.error, set(ending.xcoms)) == (None, {"k", "return_value"})
    assert threading.get_ident() not in kept.threads


@BOTH_KINDS
async def test_what_was_pushed_before_an_error_stays(kept, is_async):
    def push(ti):
        ti.xcom_push("k", 1)
        raise ValueError("bug")

    async def apush(ti):
        push(ti)

    with DAG("d"):
        out = task(task_id="t")(apush if is_async else push)()
    ending = await try_of(out, settings=ELSEWHERE).run()
    assert (ending.outcome, ending.xcoms) == (TryOutcome.FAILED, {"k": '"kept:t:1:k"'})
    assert ending.error.endswith("ValueError: bug")


@BOTH_KINDS
async def test_a_backend_that_fails_fails_the_try(is_async):
    async def arefuse():
        return "refuse"

    with DAG("d"):
        out = task(task_id="t")(arefuse if is_async else lambda: "refuse")()
    ending = await try_of(out, settings=ELSEWHERE).run()
    assert (ending.outcome, ending.xcoms) == (TryOutcome.FAILED, {})
    assert ending.error.endswith("OSError: the disk is full")

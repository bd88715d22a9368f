"""What follows a failure that a task's policy was asked about; the first try of three."""

from __future__ import annotations

from typing import Any

import anyio.lowlevel
import pytest

from flowcore.abc import PriorityWeightStrategy
from flowcore.domain.retries import NO_ADVICE, RetryAdvice
from flowcore.domain.workloads import TryOutcome
from flowcore.sdk import (
    DAG,
    AirflowFailException,
    ExceptionRetryPolicy,
    RetryDecision,
    RetryPolicy,
    RetryRule,
    task,
)
from tests.runner.tries import try_of

BUG = ValueError("bug")


class Policy(RetryPolicy):
    """Answers, and keeps what it was asked."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[Any] = []

    def evaluate(self, exception: BaseException, try_number: int, max_tries: int, context: Any = None) -> Any:
        self.asked.append((exception, try_number, max_tries, context["ti"].task_id))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class SlowPolicy(Policy):
    async def evaluate(self, **asked: Any) -> Any:
        await anyio.lowlevel.checkpoint()
        return super().evaluate(**asked)


def fail(error: Exception) -> None:
    raise error


async def afail(error: Exception) -> None:
    raise error


async def ending_of(policy: RetryPolicy, error: Exception = BUG, function: Any = fail) -> Any:
    with DAG("d"):
        out = task(task_id="t", retry_policy=policy)(function)(error)
    return await try_of(out).run()


@pytest.mark.parametrize("function", [fail, afail])
@pytest.mark.parametrize("kind", [Policy, SlowPolicy])
async def test_a_policy_is_asked_once_with_what_went_wrong(kind, function):
    policy = kind(RetryDecision.retry(30, "busy"))
    ending = await ending_of(policy, function=function)
    assert policy.asked == [(BUG, 1, 2, "t")]
    assert (ending.outcome, ending.advice) == (TryOutcome.FAILED, RetryAdvice(30, "busy"))


async def test_a_policy_may_give_up_early():
    ending = await ending_of(Policy(RetryDecision.fail("no such customer")))
    assert ending.outcome is TryOutcome.FAILED_FOR_GOOD
    assert ending.advice == RetryAdvice(reason="no such customer")


@pytest.mark.parametrize("answer", [RetryDecision.default(), None, "retry", ValueError("policy")])
async def test_without_a_decision_the_own_retries_hold(answer):
    ending = await ending_of(Policy(answer))
    assert (ending.outcome, ending.advice) == (TryOutcome.FAILED, NO_ADVICE)
    assert "ValueError: bug" in ending.error


async def test_a_policy_that_fails_is_in_the_log(caplog):
    await ending_of(Policy(7))
    assert "Policy answered 7; return a RetryDecision" in caplog.text
    assert "the retry policy has decided nothing; the task's own retries hold" in caplog.text


async def test_what_is_final_is_not_asked_about():
    policy = Policy(RetryDecision.retry())
    ending = await ending_of(policy, AirflowFailException("no"))
    assert (ending.outcome, policy.asked) == (TryOutcome.FAILED_FOR_GOOD, [])


async def test_a_time_out_is_a_failure_like_others():
    with DAG("d"):
        policy = ExceptionRetryPolicy([RetryRule("flowcore.sdk.TaskTimedOut", "fail")])
        out = task(task_id="t", retry_policy=policy)(anyio.sleep_forever)()
    ending = await try_of(out, timeout_s=0.01).run()
    assert ending.outcome is TryOutcome.FAILED_FOR_GOOD


async def test_callbacks_hear_what_the_policy_has_made_of_it():
    heard = []
    with DAG("d"):
        out = task(
            task_id="t",
            retry_policy=Policy(RetryDecision.fail()),
            on_retry_callback=lambda _: heard.append("retry"),
            on_failure_callback=lambda _: heard.append("failure"),
        )(fail)(BUG)
    await try_of(out).run()
    assert heard == ["failure"]


class ByTry(PriorityWeightStrategy):
    """Weighs a task instance by how many of its tries have ended."""

    def get_weight(self, ti: Any) -> int:
        return 10 - ti.try_number


@pytest.mark.parametrize("function", [fail, afail])
async def test_a_weight_strategy_is_asked_again_after_each_try_that_failed(function):
    with DAG("d"):
        policy = Policy(RetryDecision.retry(30, "busy"))
        out = task(task_id="t", weight_rule=ByTry(), retry_policy=policy)(function)(BUG)
    ending = await try_of(out).run()
    assert ending.advice == RetryAdvice(30, "busy", 9)


async def test_a_try_that_is_the_last_one_weighs_nothing():
    with DAG("d"):
        out = task(task_id="t", weight_rule=ByTry(), retry_policy=Policy(RetryDecision.fail("no")))(fail)(BUG)
    ending = await try_of(out).run()
    assert ending.advice == RetryAdvice(reason="no")

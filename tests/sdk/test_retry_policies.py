from __future__ import annotations

import builtins
import sys
from datetime import timedelta
from typing import Any

import pytest

from flowcore.errors import DagError
from flowcore.sdk import DAG, ExceptionRetryPolicy, RetryAction, RetryDecision, RetryPolicy, RetryRule, task

MINUTE = timedelta(minutes=1)
POLICY = ExceptionRetryPolicy(
    [
        RetryRule(ConnectionResetError, RetryAction.FAIL, reason="hung up"),
        RetryRule([ConnectionError, "builtins.TimeoutError"], retry_delay=MINUTE),
        RetryRule("no_such_library.Error", RetryAction.FAIL),
        RetryRule(LookupError, "fail", match_subclasses=False),
    ],
    default="retry",
)


@pytest.mark.parametrize(
    ("error", "decision"),
    [
        (ConnectionResetError(), RetryDecision.fail("hung up")),
        (BrokenPipeError(), RetryDecision.retry(MINUTE, "a rule for BrokenPipeError matched")),
        (TimeoutError(), RetryDecision.retry(MINUTE, "a rule for TimeoutError matched")),
        (LookupError(), RetryDecision.fail("a rule for LookupError matched")),
        (KeyError(), RetryDecision.retry()),
        (
            ExceptionGroup("", [KeyError(), ExceptionGroup("", [TimeoutError()])]),
            RetryDecision.retry(MINUTE, "a rule for ExceptionGroup matched"),
        ),
    ],
    ids=repr,
)
def test_the_first_rule_that_matches_decides(error: Exception, decision: RetryDecision) -> None:
    assert POLICY.evaluate(error, 1, 2) == decision


def test_a_path_that_cannot_be_imported_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    assert not RetryRule("no_such_library.Error").matches(KeyError())
    assert "the retry rule for 'no_such_library.Error' matches nothing: ModuleNotFoundError" in caplog.text


def test_a_path_is_not_imported_before_a_try_has_failed() -> None:
    rule = RetryRule("this.Error")
    assert "this" not in sys.modules
    assert rule.exception == ("this.Error",)


@pytest.mark.parametrize("wrong", ["TimeoutError", "", "a b.c", int, 3, [KeyError, "x"]])
def test_what_is_no_exception_is_refused(wrong: Any) -> None:
    with pytest.raises(DagError, match="give a class, or its path such as"):
        RetryRule(wrong)


@pytest.mark.parametrize("wrong", [-1, "soon", timedelta(-1)])
def test_what_is_no_delay_is_refused(wrong: Any) -> None:
    with pytest.raises(DagError, match="give a timedelta or a number of seconds"):
        RetryDecision.retry(wrong)


def test_seconds_are_a_delay() -> None:
    assert RetryRule(KeyError, retry_delay=60).retry_delay == MINUTE


def test_an_unknown_action_is_refused() -> None:
    with pytest.raises(DagError, match="'again' is no action"):
        ExceptionRetryPolicy([], "again")


def test_a_policy_must_evaluate() -> None:
    with pytest.raises(TypeError, match="abstract"):
        RetryPolicy()  # type: ignore[abstract]


@pytest.mark.parametrize("wrong", [ExceptionRetryPolicy, "retry", builtins.print])
def test_a_task_takes_nothing_but_a_policy(wrong: Any) -> None:
    with DAG("d"), pytest.raises(DagError, match="give a RetryPolicy, such as an ExceptionRetryPolicy"):
        task(task_id="t", retry_policy=wrong)(print)()


def test_a_policy_comes_from_default_args_too() -> None:
    with DAG("d", default_args={"retry_policy": POLICY}):
        assert task(task_id="t")(print)().operator.retry_policy is POLICY

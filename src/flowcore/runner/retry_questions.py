"""What a task says of a try that failed: its retry policy, and what it weighs from now on.

Both are asked as a callback is, with the same limits.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Sequence
from datetime import timedelta
from typing import Any

import attrs

from flowcore.domain.retries import RetryAdvice, may_retry
from flowcore.domain.storable_texts import storable
from flowcore.domain.workloads import TryOutcome, Workload
from flowcore.runner.endings import Ending
from flowcore.runner.error_texts import cut
from flowcore.sdk.context import Context
from flowcore.sdk.operators import BaseOperator
from flowcore.sdk.retry_policies import RetryAction, RetryDecision, RetryPolicy
from flowcore.sdk.weight_strategies import has_strategy, next_weight
from flowcore.secrets.masking import PROCESS

log = logging.getLogger(__name__)


@attrs.define(eq=False, repr=False)
class RetryQuestion:
    """Call it as a callback; `answered` is then what becomes of the ending."""

    _policy: RetryPolicy
    _workload: Workload
    _error: BaseException
    _decision: RetryDecision | None = None

    def __repr__(self) -> str:
        return f"<retry policy {type(self._policy).__name__}>"

    def __call__(self, context: Context) -> Awaitable[None] | None:
        """Ask; what is returned, if anything, is to be awaited."""
        decision = self._policy.evaluate(
            exception=self._error,
            try_number=self._workload.try_number,
            max_tries=self._workload.max_tries,
            context=context,
        )
        if inspect.isawaitable(decision):
            return self._keep_awaited(decision)
        self._keep(decision)
        return None

    def answered(self, ending: Ending) -> Ending:
        """The ending as the policy has decided; as it was when the policy did not answer."""
        decision = self._decision
        if decision is None:
            log.warning("the retry policy has decided nothing; the task's own retries hold")
            return ending
        if decision.action is RetryAction.DEFAULT:
            return ending
        reason = decision.reason and storable(cut(PROCESS.mask(decision.reason)))
        log.info("the retry policy says: %s (%s)", decision.action.value, reason or "no reason given")
        if decision.action is RetryAction.FAIL:
            return attrs.evolve(ending, outcome=TryOutcome.FAILED_FOR_GOOD, advice=RetryAdvice(reason=reason))
        return attrs.evolve(ending, advice=RetryAdvice(_seconds(decision.retry_delay), reason))

    async def _keep_awaited(self, decision: Awaitable[Any]) -> None:
        self._keep(await decision)

    def _keep(self, decision: object) -> None:
        if not isinstance(decision, RetryDecision):
            raise TypeError(f"{type(self._policy).__name__} answered {decision!r}; return a RetryDecision")
        self._decision = decision


@attrs.define(eq=False, repr=False)
class WeightQuestion:
    """Asks the task's weight strategy, as `RetryQuestion` asks its retry policy."""

    _task: BaseOperator
    _workload: Workload
    _weight: int | None = None

    def __repr__(self) -> str:
        return f"<weight strategy {type(self._task.weight_rule).__name__}>"

    def __call__(self, context: Context) -> None:
        """Ask."""
        self._weight = next_weight(self._task, context["ti"], self._workload.priority_weight)

    def answered(self, ending: Ending) -> Ending:
        """The ending with the weight of the next try."""
        if ending.outcome is not TryOutcome.FAILED:
            return ending
        return attrs.evolve(ending, advice=attrs.evolve(ending.advice, priority_weight=self._weight))


def questions_after(
    task: BaseOperator | None, workload: Workload, ending: Ending, error: BaseException | None
) -> Sequence[RetryQuestion | WeightQuestion]:
    """What to ask about that ending, in this order; nothing when nobody is to be asked."""
    questions: list[RetryQuestion | WeightQuestion] = []
    if task is None or error is None or ending.outcome is not TryOutcome.FAILED:
        return questions
    if task.retry_policy is not None:
        questions.append(RetryQuestion(task.retry_policy, workload, error))
    if has_strategy(task) and may_retry(workload.try_number, workload.max_tries):
        questions.append(WeightQuestion(task, workload))
    return questions


def after_answers(ending: Ending, questions: Sequence[RetryQuestion | WeightQuestion]) -> Ending:
    """What becomes of the ending."""
    for question in questions:
        ending = question.answered(ending)
    return ending


def _seconds(delay: timedelta | None) -> float | None:
    return None if delay is None else delay.total_seconds()

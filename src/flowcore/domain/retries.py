"""Whether a task is tried again, and how long it waits before that."""

from __future__ import annotations

import hashlib
import math
from datetime import UTC, datetime

import attrs

from flowcore.errors import DagError

#: No delay that grows with the tries gets longer than a day, whatever the rule says.
LONGEST_GROWING_DELAY_S = 86_400
#: Ten years. Any further into the future, and sums of dates overflow.
LONGEST_DELAY_S = 10 * 366 * 86_400


@attrs.frozen
class RetryRule:
    """How long to wait before the next try (seconds).

    With a `multiplier` of 0 (or 1, which comes to the same) the delay is constant; otherwise it is
    multiplied before each further try and spread by a jitter. `max_delay_s` limits either; 0 means
    no delay at all. A negative number is refused with a `DagError`.
    """

    delay_s: float = 300.0
    multiplier: float = 0.0
    max_delay_s: float | None = None

    def __attrs_post_init__(self) -> None:
        if self.delay_s < 0 or self.multiplier < 0 or (self.max_delay_s or 0) < 0:
            raise DagError(f"{self} has a negative number; use 0 or more")


@attrs.frozen
class RetryAdvice:
    """What a task says of its failure.

    Its retry policy: seconds instead of the rule's, and why. Its weight strategy: what it weighs from now on.
    """

    delay_s: float | None = None
    reason: str | None = None
    priority_weight: int | None = None


NO_ADVICE = RetryAdvice()


def may_retry(try_number: int, max_tries: int) -> bool:
    """Whether a further try follows the failed one; `max_tries` counts the retries that are allowed."""
    return max_tries != 0 and try_number <= max_tries


def retry_delay_s(
    rule: RetryRule, *, dag_id: str, task_id: str, logical_date: datetime | None, try_number: int
) -> float:
    """Seconds from the end of try `try_number`, which failed, to the earliest start of the next.

    The formula of a growing delay is the one of Airflow's `next_retry_datetime`: the base is
    `delay · multiplier^(try - 1)`, rounded up, and a hash of Dag, task, logical date and try number
    adds less than the same again. So retries of many tasks spread out, and the wait of a given try
    is the same wherever it is computed.
    """
    if rule.multiplier in (0, 1):
        delay_s = rule.delay_s
    else:
        base_s = _growing_base_s(rule, try_number)
        jitter_s = _hash_of_try(dag_id, task_id, logical_date, try_number) % base_s
        delay_s = min(base_s + jitter_s, LONGEST_GROWING_DELAY_S)
    longest_s = LONGEST_DELAY_S if rule.max_delay_s is None else rule.max_delay_s
    return float(min(longest_s, delay_s, LONGEST_DELAY_S))


def _growing_base_s(rule: RetryRule, try_number: int) -> int:
    try:
        return max(1, math.ceil(rule.delay_s * rule.multiplier ** (try_number - 1)))
    except OverflowError:  # the power is beyond a float, or its product with the delay is infinite
        return LONGEST_GROWING_DELAY_S


def _hash_of_try(dag_id: str, task_id: str, logical_date: datetime | None, try_number: int) -> int:
    # The date counts in UTC, so that the wait does not depend on how the caller spells it.
    date = None if logical_date is None else logical_date.astimezone(UTC)
    text = f"{dag_id}#{task_id}#{date}#{try_number}"
    return int(hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest(), 16)

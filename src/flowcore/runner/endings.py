"""How a try ended, told from what it returned or raised. Nothing here waits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import attrs

from flowcore.domain.assets import AssetUpdate
from flowcore.domain.retries import NO_ADVICE, RetryAdvice
from flowcore.domain.storable_texts import storable
from flowcore.domain.workloads import NO_EFFECTS, TryEffects, TryOutcome
from flowcore.errors import DagError, DatabaseUnavailable
from flowcore.runner.error_texts import cut, text_of
from flowcore.sdk.exceptions import DownstreamTasksSkipped, TaskFailed, TaskRescheduled, TaskSkipped
from flowcore.sdk.operators import BaseOperator
from flowcore.sdk.skipping import effects_of_skip
from flowcore.secrets.masking import PROCESS


@attrs.frozen
class Ending:
    """The outcome of a try, its XComs by key as JSON texts, what went wrong, and what it means for others.

    A try that was put off goes on at `reschedule_at`. `asset_updates` count if it succeeded, and
    the `advice` of a retry policy if it failed.
    """

    outcome: TryOutcome
    xcoms: Mapping[str, str] = attrs.field(factory=dict)
    error: str | None = None
    effects: TryEffects = NO_EFFECTS
    reschedule_at: datetime | None = None
    asset_updates: tuple[AssetUpdate, ...] = ()
    advice: RetryAdvice = NO_ADVICE


GIVEN_BACK = Ending(TryOutcome.GIVEN_BACK)


def failed(error: str) -> Ending:
    """The ending of a try that failed for a reason of ours."""
    return Ending(TryOutcome.FAILED, error=error)


def ending_of(
    error: BaseException,
    xcoms: Mapping[str, str],
    *,
    task: BaseOperator | None = None,
    has_begun: bool = True,
) -> Ending:
    """The ending of a try (of `task`, if it was found) that raised; what it pushed before is kept.

    One that lost the database before the author's code had begun is given back. An exception group counts
    as `TaskSkipped` if it holds nothing else, and as `TaskFailed` if it holds one.
    """
    if isinstance(error, DatabaseUnavailable) and not has_begun:
        return GIVEN_BACK
    if _is_only(error, TaskSkipped):
        return Ending(TryOutcome.SKIPPED, xcoms, storable(cut(PROCESS.mask(str(error)))) or None)
    if isinstance(error, TaskRescheduled):
        # What a look pushed counts only when the wait is over.
        return Ending(TryOutcome.RESCHEDULED, reschedule_at=error.reschedule_date)
    if isinstance(error, DownstreamTasksSkipped) and task is not None:
        return _skipping(error, xcoms, task)
    for_good = _has(error, TaskFailed)
    return Ending(TryOutcome.FAILED_FOR_GOOD if for_good else TryOutcome.FAILED, xcoms, text_of(error))


def _skipping(skip: DownstreamTasksSkipped, xcoms: Mapping[str, str], task: BaseOperator) -> Ending:
    try:
        return Ending(TryOutcome.SUCCESS, xcoms, effects=effects_of_skip(task, skip))
    except DagError as error:
        return ending_of(error, xcoms)


def _is_only(error: BaseException, kind: type[Exception]) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return error.split(kind)[1] is None
    return isinstance(error, kind)


def _has(error: BaseException, kind: type[Exception]) -> bool:
    return isinstance(error, kind) or (
        isinstance(error, BaseExceptionGroup) and error.subgroup(kind) is not None
    )

"""How a try ended, told from what it returned or raised. Nothing here waits."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from types import TracebackType

import attrs

from flowcore.domain.storable_texts import storable
from flowcore.domain.workloads import TryOutcome
from flowcore.errors import DatabaseUnavailable
from flowcore.sdk.exceptions import TaskFailed, TaskSkipped
from flowcore.secrets.masking import PROCESS

# The machinery between the loop and the author's code, whose frames tell the author nothing.
_MACHINERY = ("flowcore", "anyio", "asyncio", "trio", "threading", "jinja2")

#: So many characters of an error are kept.
_TEXT_MAX = 100_000


@attrs.frozen
class Ending:
    """The outcome of a try, its XComs by key as JSON texts, and what went wrong."""

    outcome: TryOutcome
    xcoms: Mapping[str, str] = attrs.field(factory=dict)
    error: str | None = None


GIVEN_BACK = Ending(TryOutcome.GIVEN_BACK)


def failed(error: str) -> Ending:
    """The ending of a try that failed for a reason of ours."""
    return Ending(TryOutcome.FAILED, error=error)


def ending_of(error: BaseException, xcoms: Mapping[str, str], *, has_begun: bool = True) -> Ending:
    """The ending of a try that raised; what it pushed before is kept.

    One that lost the database before the author's code had begun is given back. An exception group counts
    as `TaskSkipped` if it holds nothing else, and as `TaskFailed` if it holds one.
    """
    if isinstance(error, DatabaseUnavailable) and not has_begun:
        return GIVEN_BACK
    if _is_only(error, TaskSkipped):
        return Ending(TryOutcome.SKIPPED, xcoms, storable(_cut(PROCESS.mask(str(error)))) or None)
    for_good = _has(error, TaskFailed)
    return Ending(TryOutcome.FAILED_FOR_GOOD if for_good else TryOutcome.FAILED, xcoms, _text(error))


def _is_only(error: BaseException, kind: type[Exception]) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return error.split(kind)[1] is None
    return isinstance(error, kind)


def _has(error: BaseException, kind: type[Exception]) -> bool:
    return isinstance(error, kind) or (
        isinstance(error, BaseExceptionGroup) and error.subgroup(kind) is not None
    )


def _text(error: BaseException) -> str:
    trace = _from_the_author_on(error.__traceback__)
    text = "".join(traceback.format_exception(type(error), error, trace)).rstrip()
    return storable(_cut(PROCESS.mask(text)))


def _cut(text: str) -> str:
    """Leave out the middle of what nobody would read whole."""
    if len(text) <= _TEXT_MAX:
        return text
    half = _TEXT_MAX // 2
    return f"{text[:half]}\n… {len(text) - 2 * half} characters are left out …\n{text[-half:]}"


def _from_the_author_on(trace: TracebackType | None) -> TracebackType | None:
    while trace is not None and trace.tb_frame.f_globals.get("__name__", "").partition(".")[0] in _MACHINERY:
        trace = trace.tb_next
    return trace

"""Why a key is not in the context of a try."""

from __future__ import annotations

from collections.abc import Iterable

from flowcore.errors import UsageError

_DATES = frozenset(
    {
        *("logical_date", "data_interval_start", "data_interval_end"),
        *("ds", "ds_nodash", "ts", "ts_nodash", "ts_nodash_with_tz"),
        *("prev_data_interval_start_success", "prev_data_interval_end_success"),
    }
)
_OF_CALLBACKS = frozenset({"exception", "reason"})


class ContextKeyAbsent(UsageError, KeyError):
    """The context has no such key."""

    # KeyError's would show the message in quotes.
    __str__ = Exception.__str__


def absent_key(key: str, *, known: Iterable[str]) -> ContextKeyAbsent:
    """The error for `context[key]`; `known` are the keys that are there."""
    if key in _DATES:
        reason = "the run has no logical date; use context.get(), or dag_run.run_after"
    elif key in _OF_CALLBACKS:
        reason = "only callbacks have it; use context.get()"
    else:
        reason = f"there are {', '.join(sorted(known))}"
    return ContextKeyAbsent(f"the context of the try has no {key!r}: {reason}")

"""Show a caller the error that happened, not the nurseries it came through."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def single_error() -> Iterator[None]:
    """Replace an exception group that holds one error by that error; groups of several stay groups."""
    try:
        yield
    except BaseExceptionGroup as group:
        error = _only(group)
        if error is None:
            raise
        raise error from error.__cause__


def _only(group: BaseExceptionGroup[BaseException]) -> BaseException | None:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        if len(error.exceptions) != 1:
            return None
        error = error.exceptions[0]
    return error

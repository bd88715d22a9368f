"""From an error to one line on standard error and an exit status."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import click

from flowcore.errors import DagError, DatabaseUnavailable, FlowcoreError, SettingsError, UsageError

#: Exit statuses; success is 0.
FAILED = 1
UNUSABLE_INPUT = 2

# A database that does not answer counts as unusable input: of the run that was asked for, nothing is
# known, and 1 would say that it failed.
_UNUSABLE = (DagError, UsageError, SettingsError, DatabaseUnavailable)


class Interrupted(FlowcoreError):
    """A signal ended the command."""

    def __init__(self, signum: signal.Signals) -> None:
        super().__init__(f"interrupted by {signum.name}; start the command again")
        #: What a shell reports for a program that the signal killed.
        self.exit_status = 128 + signum


def report_failure(error: FlowcoreError | ExceptionGroup[Exception]) -> int:
    """Print what went wrong; the exit status to end with.

    Raises:
        ExceptionGroup: the given one, when it holds anything that was not raised on purpose.
    """
    failures = list(_leaves(error))
    messages = dict.fromkeys(" ".join(_message(failure).split()) for failure in failures)
    for message in messages:
        click.echo(f"error: {message}", err=True)
    interrupts = [failure.exit_status for failure in failures if isinstance(failure, Interrupted)]
    if interrupts:
        return interrupts[0]
    return UNUSABLE_INPUT if all(isinstance(failure, _UNUSABLE) for failure in failures) else FAILED


def _message(failure: FlowcoreError) -> str:
    # A note says the same, and where in the author's template it happened.
    notes: list[str] = getattr(failure, "__notes__", [])
    return notes[-1] if notes else str(failure)


def _leaves(error: FlowcoreError | ExceptionGroup[Exception]) -> Iterator[FlowcoreError]:
    """Take a nursery's group apart: usually one child failed and the others were cancelled."""
    if isinstance(error, FlowcoreError):
        yield error
        return
    _, others = error.split(FlowcoreError)
    if others is not None:
        raise error
    for part in error.exceptions:
        yield from _leaves(part)  # type: ignore[arg-type]

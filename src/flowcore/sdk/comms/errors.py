"""Errors that cross from the supervisor to the task: of the same class, with the same message."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from flowcore.errors import FlowcoreError, InvariantBroken
from flowcore.sdk.comms.messages import ErrorAnswer


def error_answer(error: FlowcoreError) -> ErrorAnswer:
    """The answer that tells of an error; attributes that have no JSON are left out."""
    fields = {name: value for name, value in vars(error).items() if _is_json(value)}
    return ErrorAnswer(type(error).__name__, str(error), fields)


def error_of(answer: ErrorAnswer) -> FlowcoreError:
    """The error that an answer tells of; `InvariantBroken` if its class is not known here."""
    cls = next((cls for cls in _classes(FlowcoreError) if cls.__name__ == answer.kind), None)
    if cls is None:
        return InvariantBroken(f"{answer.kind}: {answer.message}")
    # Its constructor builds the message of parts; here it is finished.
    error = cls.__new__(cls, answer.message)
    Exception.__init__(error, answer.message)
    for name, value in answer.fields.items():
        setattr(error, name, tuple(value) if isinstance(value, list) else value)
    return error


def _classes(cls: type[FlowcoreError]) -> Iterator[type[FlowcoreError]]:
    yield cls
    for subclass in cls.__subclasses__():
        yield from _classes(subclass)


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return True

from __future__ import annotations

import pytest

from flowcore.errors import (
    ConnectionNotFound,
    DagCycle,
    DatabaseUnavailable,
    FlowcoreError,
    InvariantBroken,
    MessageTooLarge,
    SecretsDenied,
)
from flowcore.sdk.comms.envelopes import Envelope, decode, encode
from flowcore.sdk.comms.errors import error_answer, error_of
from flowcore.sdk.comms.messages import ErrorAnswer

ERRORS = [
    ConnectionNotFound("db", ("vault", "environment")),
    DagCycle("d", ("a", "b")),
    DatabaseUnavailable("gone; wait"),
    MessageTooLarge(9, 8),
    SecretsDenied("vault", "db", "it denies access"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_errors_cross_with_class_message_and_fields(error: FlowcoreError) -> None:
    answer = decode(encode(Envelope(error_answer(error)))).message
    assert isinstance(answer, ErrorAnswer)
    crossed = error_of(answer)
    assert (type(crossed), str(crossed), vars(crossed)) == (type(error), str(error), vars(error))


def test_fields_that_are_no_json_stay_behind() -> None:
    error = DatabaseUnavailable("gone; wait")
    error.connection = object()  # type: ignore[attr-defined]
    assert error_answer(error).fields == {}


def test_an_unknown_error_keeps_its_message() -> None:
    error = error_of(ErrorAnswer("FromTheFuture", "what; remedy"))
    assert (type(error), str(error)) == (InvariantBroken, "FromTheFuture: what; remedy")

"""Messages as bytes: `[version, id, ref, "GetVariable", {"key": "colour"}]` in JSON, and back."""

from __future__ import annotations

import json
from typing import Any

import attrs

from flowcore.domain.records import dump_record, load_record
from flowcore.errors import ProtocolError, UsageError
from flowcore.sdk.comms.messages import Message

VERSION = 1


@attrs.frozen
class Envelope:
    """A message with what says where it belongs.

    `id` ties an answer to its request; None for what is not answered. `ref` says which of several tries
    on one socket is meant.
    """

    message: Message
    id: int | None = None
    ref: int | None = None


def encode(envelope: Envelope) -> bytes:
    """The bytes of a message.

    Raises:
        UsageError: a field holds something that is not JSON.
    """
    body: Any = envelope.message
    name = type(body).__name__
    try:
        return _ENCODER.encode([VERSION, envelope.id, envelope.ref, name, dump_record(body)]).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(
            f"{name} cannot be sent to another process: {error}; use strings, finite numbers, booleans, None,"
            " and lists and dicts of these"
        ) from error


def decode(payload: bytes) -> Envelope:
    """The message of some bytes.

    Raises:
        ProtocolError: they are none; says what the peer did wrong, without quoting values.
    """
    try:
        version, request_id, ref, name, body = _DECODER.decode(payload.decode())
    except (ValueError, TypeError, RecursionError):
        raise ProtocolError("it sent something that is no message") from None
    if version != VERSION:
        raise ProtocolError(
            f"it speaks version {version!r:.20}, and this flowcore speaks version {VERSION}; install the same"
            " flowcore on both sides"
        )
    cls: Any = Message.registry.get(name) if isinstance(name, str) else None
    if cls is None or not attrs.has(cls):
        raise ProtocolError(f"it sent a message of the unknown kind {name!r:.50}")
    try:
        message: Any = load_record(cls, body)
    # Whatever a validator raises: the values come from a stranger.
    except Exception as error:
        raise ProtocolError(f"it sent a malformed {name}: {type(error).__name__}") from None
    return Envelope(message, _number(request_id), _number(ref))


def _number(value: object) -> int | None:
    if value is None or (type(value) is int and value >= 0):
        return value
    raise ProtocolError("it sent a message whose id is no number")


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


# Made once: they are used for every message. NaN is no JSON; other characters than ASCII are escaped,
# halves of surrogate pairs included.
_ENCODER = json.JSONEncoder(allow_nan=False, separators=(",", ":"))
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)

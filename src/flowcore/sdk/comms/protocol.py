"""One end of a conversation, without any I/O: what to send, and what the bytes that arrived mean.

Any number of requests may be under way at a time; answers find them by id, in any order. A request that
nobody waits for any more is forgotten: its answer is dropped when it comes. After an error the
conversation is over.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from flowcore.errors import ProtocolError
from flowcore.sdk.comms.envelopes import Envelope, decode, encode
from flowcore.sdk.comms.framing import PAYLOAD_MAX, Unframing, frame
from flowcore.sdk.comms.messages import Answer, Message, Request


@attrs.frozen
class Answered:
    """The answer to one of our requests."""

    id: int
    answer: Answer


@attrs.frozen
class Asked:
    """A request of the peer's; answer it by its id."""

    id: int
    request: Request[Answer]
    ref: int | None = None


@attrs.frozen
class Told:
    """Something that is not answered."""

    message: Message
    ref: int | None = None


Received = Answered | Asked | Told


class Conversation:
    """One end; `takes` are the kinds of message that the other one may send. Not thread-safe."""

    def __init__(self, *takes: type[Message], limit: int = PAYLOAD_MAX) -> None:
        self._takes, self._limit = takes, limit
        self._unframing = Unframing(limit=limit)
        self._last_id = 0
        self._asked: set[int] = set()
        self._forgotten: set[int] = set()
        self._to_answer: set[int] = set()

    def ask(self, request: Request[Answer], *, ref: int | None = None) -> tuple[int, bytes]:
        """The id of a request and what to send.

        Raises:
            UsageError: it is no JSON, or it is too large (MessageTooLarge); nothing has changed.
        """
        data = self._bytes(Envelope(request, self._last_id + 1, ref))
        self._last_id += 1
        self._asked.add(self._last_id)
        return self._last_id, data

    def tell(self, message: Message, *, ref: int | None = None) -> bytes:
        """What to send for a message that is not answered. Raises as `ask`."""
        return self._bytes(Envelope(message, None, ref))

    def answer(self, request_id: int, answer: Answer) -> bytes:
        """What to send as the answer to a request, which is answered thereby. Raises as `ask`."""
        data = self._bytes(Envelope(answer, request_id))
        self._to_answer.discard(request_id)
        return data

    def forget(self, request_id: int) -> None:
        """Nobody waits for the answer to this request any more."""
        if request_id in self._asked:
            self._asked.discard(request_id)
            self._forgotten.add(request_id)

    def receive(self, data: bytes) -> Iterator[Received]:
        """What the bytes that arrived mean; nothing for an answer that nobody waits for.

        Raises:
            ProtocolError: the peer broke the rules.
        """
        for payload in self._unframing.feed(data):
            received = self._received(decode(payload))
            if received is not None:
                yield received

    def _bytes(self, envelope: Envelope) -> bytes:
        return frame(encode(envelope), limit=self._limit)

    def _received(self, envelope: Envelope) -> Received | None:
        message, number = envelope.message, envelope.id
        if not isinstance(message, self._takes):
            raise ProtocolError(f"it sent a {type(message).__name__}, which is for the other direction")
        if isinstance(message, Answer):
            return self._answered(message, number)
        if not isinstance(message, Request):
            return Told(message, envelope.ref)
        if number is None or number in self._to_answer:
            raise ProtocolError(f"it sent a {type(message).__name__} without an id of its own")
        self._to_answer.add(number)
        return Asked(number, message, envelope.ref)

    def _answered(self, answer: Answer, number: int | None) -> Answered | None:
        if number in self._forgotten:
            self._forgotten.discard(number)
            return None
        if number is None or number not in self._asked:
            raise ProtocolError("it answered a request that was never made")
        self._asked.discard(number)
        return Answered(number, answer)

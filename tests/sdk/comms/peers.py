"""A supervisor for tests of the decoder: a thread that reads requests from a socket and answers them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from flowcore.errors import FlowcoreError
from flowcore.sdk.comms.decoder import Decoder
from flowcore.sdk.comms.errors import error_answer
from flowcore.sdk.comms.messages import Answer, GetVariable, Notice, Order, Request, VariableFound
from flowcore.sdk.comms.protocol import Asked, Conversation, Told


def echo(request: Request[Any]) -> Answer:
    """Every variable is called like its value."""
    assert isinstance(request, GetVariable)
    return VariableFound(request.key)


class Peer:
    """The other end of a decoder's socket, on its own thread; remembers what it was told."""

    def __init__(self, sock: socket.socket, answer: Callable[[Request[Any]], Answer | None] = echo) -> None:
        self.sock, self.answer = sock, answer
        self.conversation = Conversation(Request, Notice)
        self.told: list[Told] = []
        self.asked: list[Asked] = []
        self.answered: set[int] = set()
        self._sending = threading.Lock()

    def serve(self) -> None:
        """Answer until the decoder's end is closed; requests without an answer stay open."""
        while data := self._received():
            for received in self.conversation.receive(data):
                if isinstance(received, Asked):
                    self.asked.append(received)
                    self._answer(received)
                elif isinstance(received, Told):
                    self.told.append(received)

    def order(self, order: Order, ref: int | None = None) -> None:
        self.sock.sendall(self.conversation.tell(order, ref=ref))

    def answer_held(self, count: int = 1) -> None:
        """Answer requests that were left open, the oldest first."""
        for asked in [asked for asked in self.asked if asked.id not in self.answered][:count]:
            self._send(asked, echo(asked.request))

    def _answer(self, asked: Asked) -> None:
        try:
            answer = self.answer(asked.request)
        except FlowcoreError as error:
            answer = error_answer(error)
        if answer is not None:
            self._send(asked, answer)

    def _send(self, asked: Asked, answer: Answer) -> None:
        with self._sending:
            self.answered.add(asked.id)
            self.sock.sendall(self.conversation.answer(asked.id, answer))

    def _received(self) -> bytes:
        try:
            return self.sock.recv(65536)
        except OSError:
            return b""


@contextmanager
def answering(answer: Callable[[Request[Any]], Answer | None] = echo) -> Iterator[tuple[Decoder, Peer]]:
    """A decoder, and the peer that answers it."""
    ours, theirs = socket.socketpair()
    decoder, peer = Decoder(ours), Peer(theirs, answer)
    thread = threading.Thread(target=peer.serve)
    thread.start()
    try:
        yield decoder, peer
    finally:
        # Closing alone would not wake the thread that reads.
        theirs.shutdown(socket.SHUT_RDWR)
        thread.join()
        theirs.close()
        decoder.close()

"""`LoopComms`: `Comms` for tries in the process that answers them: no socket, the same behaviour."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Protocol, TypeVar, cast

import anyio.from_thread
from anyio.lowlevel import current_token

from flowcore.sdk.comms.messages import Answer, MaskSecrets, Notice, Request
from flowcore.sdk.comms.questions import BlocksLoop
from flowcore.secrets.masking import PROCESS

A = TypeVar("A", bound=Answer)


class Answering(Protocol):
    """What `answers.py` has."""

    async def answer(self, request: Request[Any]) -> Answer: ...


class LoopComms:
    """Implements `questions.Comms`. Made on the thread of the event loop, used on any thread.

    `on_notice` is called with what the try says, on the thread that says it; without it nobody listens.
    """

    def __init__(self, answers: Answering, on_notice: Callable[[Notice], None] | None = None) -> None:
        self._answers, self._on_notice = answers, on_notice
        self._token, self._thread = current_token(), threading.get_ident()

    def send(self, request: Request[A]) -> A:
        if threading.get_ident() == self._thread:
            raise BlocksLoop("a blocking call on the event loop would block it; await its asynchronous twin")
        # The token lets threads in that the author's function has started itself.
        return anyio.from_thread.run(self.asend, request, token=self._token)

    async def asend(self, request: Request[A]) -> A:
        return cast("A", await self._answers.answer(request))

    def post(self, notice: Notice) -> None:
        if isinstance(notice, MaskSecrets):
            PROCESS.add(notice.secrets)
        elif self._on_notice is not None:
            self._on_notice(notice)

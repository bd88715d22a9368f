"""Follow the import of a Dag server: answer what the file asks for, until the server is ready."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import anyio

from flowcore.errors import FlowcoreError
from flowcore.runner.processes.channels import SupervisorChannel
from flowcore.runner.processes.children import Child
from flowcore.runner.processes.control import ServerBroken, ServerReady
from flowcore.sdk.comms.errors import error_of
from flowcore.sdk.comms.messages import Answer, MaskSecrets, Notice, Request
from flowcore.secrets.masking import PROCESS

#: Answers a Dag file that is being imported; raises FlowcoreErrors only.
Answering = Callable[[Request[Any]], Awaitable[Answer]]


async def follow_import(child: Child, answer: Answering) -> bool:
    """Wait until the Dag server is ready; false when it has closed its socket before.

    Raises:
        FlowcoreError: why it could not import its file.
        ProtocolError: it broke the protocol.
    """
    following = _Following(child, answer)
    await following.follow()
    if following.error is not None:
        raise following.error
    return following.is_ready


class _Following:
    def __init__(self, child: Child, answer: Answering) -> None:
        self.is_ready = False
        self.error: FlowcoreError | None = None
        self._child, self._answering = child, answer
        self._scope = anyio.CancelScope()

    async def follow(self) -> None:
        with self._scope:
            await SupervisorChannel(self._child.comms, answer=self._answer, note=self._take).serve()

    async def _answer(self, request: Request[Any], ref: int | None) -> Answer:
        return await self._answering(request)

    async def _take(self, notice: Notice, ref: int | None) -> None:
        match notice:
            case MaskSecrets(secrets):
                PROCESS.add(secrets)
            case ServerReady():
                self.is_ready = True
                self._scope.cancel()
            case ServerBroken(error):
                self.error = error_of(error)
                self._scope.cancel()

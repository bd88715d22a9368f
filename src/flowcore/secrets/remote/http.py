"""HTTP as the remote backends speak it: bounded, tried again while there is time, never redirected.

Every failure becomes a `SecretsError` that names the backend and the key. No text of an answer gets
into a message, nor into an exception that one is raised from: it may be the secret. Requests are built
by the backends (`vault.py`, `aws_requests.py`, `google_secret_manager.py`, `azure_key_vault.py`).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import anyio
import httpx

from flowcore.errors import SecretsDenied, SecretsError, SecretsGarbled, SecretsUnavailable
from flowcore.secrets.remote.http_answers import BODY_BYTES_MAX, Answer, read_body
from flowcore.secrets.remote.http_options import trusted_authorities

#: Before the second try and each further one, unless the lookup's deadline comes first.
PAUSES_S = (0.1, 0.2, 0.4, 0.8)
#: Longer than this is not waited for, also where the lookup has no deadline.
RETRY_AFTER_S_MAX = 5.0


class HttpCalls:
    """The connections and the manners of one backend.

    Args:
        backend: The backend's name, for errors.
        verify: Whether TLS certificates are checked, or the path of a file of authorities to trust.
        is_busy: Tells the answers after which a request is worth sending again.
    """

    def __init__(
        self,
        backend: str,
        *,
        verify: bool | str = True,
        is_busy: Callable[[Answer], bool] = lambda answer: answer.is_busy,
    ) -> None:
        self.backend = backend
        self._is_busy = is_busy
        limits = httpx.Limits(max_connections=256)
        self._client = httpx.AsyncClient(
            verify=trusted_authorities(verify), timeout=10.0, limits=limits, follow_redirects=False
        )

    async def send(self, request: httpx.Request, key: str) -> Answer:
        """Send a request, again after a pause while the service is busy or away; status 200 or 4xx.

        Raises:
            SecretsUnavailable: it stayed busy or away for as long as there was time, or speaks no HTTP.
            SecretsGarbled: it redirects, or the answer is too long or compressed.
        """
        for pause_s in PAUSES_S:
            outcome = await self._outcome(request, key)
            wait_s = self._wait_s(outcome, pause_s)
            if wait_s is None:
                break
            await anyio.sleep(wait_s)
        else:
            outcome = await self._outcome(request, key)
        return self._settled(outcome, key)

    def document(self, answer: Answer, key: str) -> dict[str, Any]:
        """The JSON object in the body of a good answer.

        Raises:
            SecretsError: the answer is not a good one, or its body is something else.
        """
        if answer.status != 200:
            raise self.unexpected(answer, key)
        document = answer.document()
        if document is None:
            raise self.garbled(key, "the answer is no JSON object; check that the URL is the service's own")
        return document

    def unexpected(self, answer: Answer, key: str) -> SecretsError:
        """The error to raise for a status that is neither good nor a miss."""
        if answer.status in (401, 403):
            return self.denied(key, f"access denied (HTTP status {answer.status})")
        reason = f"unexpected HTTP status {answer.status}; see the service's log and check the settings"
        return SecretsError(self.backend, key, reason)

    def denied(self, key: str, reason: str) -> SecretsDenied:
        """The error for refused credentials; `reason` without the remedy."""
        remedy = "check the credentials in secrets_backend_kwargs and what they may read"
        return SecretsDenied(self.backend, key, f"{reason}; {remedy}")

    def garbled(self, key: str, reason: str) -> SecretsGarbled:
        """The error for an answer that cannot be read."""
        return SecretsGarbled(self.backend, key, reason)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def _outcome(self, request: httpx.Request, key: str) -> Answer | httpx.TransportError:
        try:
            response = await self._client.send(request, stream=True)
            async with aclosing(response):
                if "content-encoding" in response.headers:
                    raise self.garbled(
                        key, "the answer is compressed, unasked; check what is between us and it"
                    )
                body = await read_body(response)
        except httpx.TransportError as error:
            return error
        if len(body) > BODY_BYTES_MAX:
            raise self.garbled(key, f"the answer is longer than {BODY_BYTES_MAX} bytes; check the URL")
        return Answer(response.status_code, response.headers, body)

    def _wait_s(self, outcome: Answer | httpx.TransportError, pause_s: float) -> float | None:
        # None: the outcome is final, because it is good or because there is no time for another try.
        wait_s = pause_s * random.uniform(0.5, 1.5)
        if isinstance(outcome, Answer):
            if not self._is_busy(outcome):
                return None
            wait_s = max(wait_s, _retry_after_s(outcome))
        is_late = anyio.current_time() + wait_s >= anyio.current_effective_deadline()
        return None if is_late or wait_s > RETRY_AFTER_S_MAX else wait_s

    def _settled(self, outcome: Answer | httpx.TransportError, key: str) -> Answer:
        if isinstance(outcome, httpx.TransportError):
            reason = f"no answer ({_described(outcome)}); check the URL and that the service is up"
            raise SecretsUnavailable(self.backend, key, reason)
        if self._is_busy(outcome):
            reason = f"the service is busy or broken (HTTP status {outcome.status}); try again later"
            raise SecretsUnavailable(self.backend, key, reason)
        if 300 <= outcome.status < 400:
            raise self.garbled(key, "the service redirects, which is not followed; set the URL it leads to")
        return outcome


def _described(error: httpx.TransportError) -> str:
    # Of the others, those about the protocol quote what the service sent.
    is_ours = isinstance(error, httpx.ConnectError | httpx.ProxyError | httpx.UnsupportedProtocol)
    return f"{type(error).__name__}: {error}" if is_ours else type(error).__name__


def _retry_after_s(answer: Answer) -> float:
    # The other form, a date, is not sent by the services that are asked here.
    text = answer.headers.get("retry-after", "")
    return float(text) if text.isdecimal() else 0.0

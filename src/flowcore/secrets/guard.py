"""`Guard`: bounds what a bad backend can do, and turns whatever it raises into a `SecretsError`.

A lookup waits at most `deadline_s` seconds, whether for its turn or for the answer. At most
`calls_max` are under way at a time. A backend that fails again and again is not asked for a while.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import anyio
import attrs

from flowcore.abc import SecretsBackend
from flowcore.errors import SecretsDenied, SecretsError, SecretsGarbled, SecretsUnavailable
from flowcore.secrets.circuit import Circuit, CircuitState
from flowcore.secrets.keys import Kind, SecretKey

log = logging.getLogger(__name__)


@attrs.frozen(kw_only=True)
class Limits:
    """What a backend is granted; times in seconds."""

    deadline_s: float = 10.0
    calls_max: int = 256
    failures_max: int = 5
    pause_s: float = 30.0


@attrs.frozen
class GuardStatistics:
    """How often a backend was asked since the start, how often that failed, and how its circuit stands."""

    name: str
    calls: int
    failures: int
    circuit: CircuitState


class Guard:
    """Asks one backend. `monotonic` tells seconds, by default those of the event loop."""

    def __init__(
        self,
        backend: SecretsBackend,
        limits: Limits | None = None,
        *,
        monotonic: Callable[[], float] = anyio.current_time,
    ) -> None:
        limits = limits or Limits()
        self.name = backend.name
        self._backend, self._limits, self._monotonic = backend, limits, monotonic
        self._turns = anyio.Semaphore(limits.calls_max)
        self._circuit = Circuit(failures_max=limits.failures_max, pause_s=limits.pause_s)
        self._calls = self._failures = 0

    async def look_up(self, key: SecretKey) -> str | None:
        """The text under the key; None when the backend does not have it.

        Raises:
            SecretsError: the backend did not say; names backend and key, never the value.
        """
        if not self._circuit.admit(self._monotonic()):
            raise SecretsUnavailable(
                self.name,
                key.name,
                f"it failed {self._limits.failures_max} times in a row and is left alone for"
                f" {self._limits.pause_s:g} s; see to the backend",
            )
        self._calls += 1
        try:
            answer = await self._answer(key)
        except anyio.get_cancelled_exc_class():
            self._circuit.withdraw()
            raise
        self._note(answer)
        if isinstance(answer, SecretsError):
            raise answer
        return answer

    async def aclose(self) -> None:
        """Close the backend."""
        await self._backend.aclose()

    def statistics(self) -> GuardStatistics:
        """The present numbers."""
        state = self._circuit.state(self._monotonic())
        return GuardStatistics(self.name, self._calls, self._failures, state)

    def _note(self, answer: str | SecretsError | None) -> None:
        self._failures += isinstance(answer, SecretsError)
        # Who refuses or talks nonsense is there; leaving it alone would hide what it says.
        if not isinstance(answer, SecretsUnavailable):
            self._circuit.succeed()
            return
        now = self._monotonic()
        was_closed = self._circuit.state(now) is CircuitState.CLOSED
        self._circuit.fail(now)
        if was_closed and self._circuit.state(now) is CircuitState.OPEN:
            log.warning(
                "%s; it is left alone for %g s at a time until it answers", answer, self._limits.pause_s
            )

    # Errors are returned and raised by the caller: raised in here, they would drag the backend's own
    # along as their context, and that may quote a secret.
    async def _answer(self, key: SecretKey) -> str | SecretsError | None:
        with anyio.move_on_after(self._limits.deadline_s):
            async with self._turns:
                return await self._ask(key)
        return SecretsUnavailable(
            self.name,
            key.name,
            f"it did not answer within {self._limits.deadline_s:g} s; see to the backend, or to the network",
        )

    async def _ask(self, key: SecretKey) -> str | SecretsError | None:
        is_connection = key.kind is Kind.CONNECTION
        ask = self._backend.get_connection if is_connection else self._backend.get_variable
        try:
            answer: object = await ask(key.name)
        except SecretsError as error:
            return error
        except PermissionError:
            return SecretsDenied(self.name, key.name, "it denies access; see to the credentials it is given")
        # Backends are plug-ins and may raise anything; their messages may hold the secret.
        except Exception as error:
            return SecretsUnavailable(
                self.name, key.name, f"it raised {type(error).__name__}; see to the backend"
            )
        return answer if answer is None or isinstance(answer, str) else self._garbled(key, answer)

    def _garbled(self, key: SecretKey, answer: object) -> SecretsError:
        kind = type(answer).__name__
        return SecretsGarbled(
            self.name, key.name, f"it answered with a {kind}; a backend returns str or None"
        )

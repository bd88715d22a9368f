"""`Chain`: asks backend after backend, in Airflow's order, and tells an error from a miss.

The first answer wins. A backend that is unavailable is passed over, as long as a later one has the
secret; if none has, nobody knows that it is missing, and the error is raised. A backend that refuses
our credentials or talks nonsense ends the search: what a later one has may not be what is meant.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import attrs

from flowcore.errors import SecretsUnavailable
from flowcore.secrets.guard import Guard, GuardStatistics
from flowcore.secrets.keys import SecretKey

log = logging.getLogger(__name__)


@attrs.frozen
class Found:
    """The outcome of a search: the text, None on a miss, and the backend that has it.

    `is_certain` is false when a backend was passed over that might have said otherwise.
    """

    text: str | None = attrs.field(repr=False)
    backend: str | None
    is_certain: bool = True


class Chain:
    """The backends behind their guards, in the order of search."""

    def __init__(self, guards: Sequence[Guard]) -> None:
        self._guards = guards

    @property
    def names(self) -> tuple[str, ...]:
        """The backends' names, in the order of search."""
        return tuple(guard.name for guard in self._guards)

    async def look_up(self, key: SecretKey) -> Found:
        """Search for the key.

        Raises:
            SecretsError: a backend failed, and no later one has the key.
        """
        passed_over: list[SecretsUnavailable] = []
        for guard in self._guards:
            try:
                text = await guard.look_up(key)
            except SecretsUnavailable as error:
                passed_over.append(error)
                continue
            if text is not None:
                for failure in passed_over:
                    log.warning("%s (passed over: %s has the answer)", failure, guard.name)
                return Found(text, guard.name, is_certain=not passed_over)
        if passed_over:
            raise passed_over[0]
        return Found(None, None)

    async def aclose(self) -> None:
        """Close every backend."""
        for guard in self._guards:
            await guard.aclose()

    def statistics(self) -> tuple[GuardStatistics, ...]:
        """The present numbers of each backend."""
        return tuple(guard.statistics() for guard in self._guards)

"""The XComs of one try: what it pushes becomes JSON, and what it pulls becomes values.

A backend may wait. Functions wait for it when they push; a coroutine's `xcom_push` must not wait, so what
it pushes is kept, and handed to the backend in a worker thread when its code is over.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from flowcore.abc import XComBackend
from flowcore.domain.try_settings import TrySettings
from flowcore.domain.workloads import Workload
from flowcore.domain.xcoms import XComPlace
from flowcore.errors import DagError
from flowcore.runner.xcoms.backends import open_xcoms
from flowcore.sdk.comms.questions import BlocksLoop, Question, call
from flowcore.sdk.exceptions import XComHoldsSecret, XComNotJson, XComTooLarge
from flowcore.secrets.masking import PROCESS

KEY_LENGTH_MAX = 512


class TryXComs:
    """What one try pushes is put into `pushed`, by key as JSON texts.

    Raises:
        SettingsError: the backend that the operator named cannot be made.
    """

    def __init__(
        self, workload: Workload, settings: TrySettings, *, pushed: dict[str, str], is_async: bool
    ) -> None:
        self._workload, self._pushed, self._bytes_max = workload, pushed, settings.max_xcom_bytes
        self._xcoms = open_xcoms(settings)
        self._backend: XComBackend = self._xcoms.backend
        self._waits_till_later = is_async and self._backend.waits
        self._waiting: dict[str, Any] = {}

    def push(self, key: str, value: Any) -> None:
        """Take a value; a coroutine's is not looked at before `settled` if the backend waits.

        Raises:
            DagError: the key cannot be one.
            XComNotJson, XComTooLarge, XComHoldsSecret: the value cannot be kept.
        """
        self._check(key)
        if self._waits_till_later:
            self._waiting[key] = value
        else:
            self._keep(key, value)

    def push_waiting(self, key: str, value: Any) -> Question[None]:
        """Take a value, and wait for the backend; raises the same."""
        self._check(key)
        self._waiting.pop(key, None)
        if self._backend.waits:
            yield from call(partial(self._keep, key, value))
            return
        try:
            self._keep(key, value)
        except BlocksLoop:
            # A sequence in it has to be read before.
            yield from call(partial(self._keep, key, value))

    def settled(self) -> Question[None]:
        """Hand what is left to the backend; raises as `push`."""
        while self._waiting:
            key = next(iter(self._waiting))
            yield from call(partial(self._keep, key, self._waiting.pop(key)))

    def own(self, key: str) -> str | None:
        """The JSON text that this try pushed under `key`, if the backend has it already."""
        return self._pushed.get(key)

    def values(self, texts: Sequence[str | None], *, default: Any = None) -> Question[list[Any]]:
        """The values of JSON texts that the database keeps, with `default` for None."""
        read = partial(self._values, texts, default)
        if self._backend.waits and any(text is not None for text in texts):
            return (yield from call(read))
        return read()

    def purged(self) -> Question[None]:
        """Let the backend forget what earlier tries left."""
        if self._workload.token > 1 and self._backend.waits:
            yield from call(partial(self._backend.purge, self._place("")))

    def _check(self, key: str) -> None:
        if not 0 < len(key) <= KEY_LENGTH_MAX:
            raise DagError(
                f"task {self._workload.task_id!r} cannot push an XCom under {key!r}; use a string of 1 to"
                f" {KEY_LENGTH_MAX} characters"
            )

    def _values(self, texts: Iterable[str | None], default: Any) -> list[Any]:
        return [default if text is None else self._xcoms.read(text) for text in texts]

    def _keep(self, key: str, value: Any) -> None:
        task_id = self._workload.task_id
        if self._backend.waits:
            self._refuse_secrets(key, value)
        try:
            text = self._xcoms.written(value, self._place(key))
        except (TypeError, ValueError, RecursionError) as error:
            raise XComNotJson(task_id, key, value, reason=str(error)) from error
        if len(text) > self._bytes_max:
            raise XComTooLarge(task_id, key, size=len(text), size_max=self._bytes_max)
        if PROCESS.betrays(text):
            raise XComHoldsSecret(task_id, key)
        self._pushed[key] = text

    def _refuse_secrets(self, key: str, value: Any) -> None:
        """Look into a value before it goes elsewhere; what is not JSON only the backend can read."""
        try:
            text = self._xcoms.values.dumps(value)
        except (TypeError, ValueError, RecursionError):
            return
        if PROCESS.betrays(text):
            raise XComHoldsSecret(self._workload.task_id, key)

    def _place(self, key: str) -> XComPlace:
        work = self._workload
        return XComPlace(
            dag_id=work.run.dag_id,
            run_id=work.run.run_id,
            task_id=work.task_id,
            map_index=work.map_index,
            token=work.token,
            key=key,
        )

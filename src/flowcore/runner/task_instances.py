"""`ti`: the try as the task itself sees it, and the context around it."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from typing import Any

import anyio.from_thread
from anyio.lowlevel import EventLoopToken

from flowcore.domain.workloads import Workload
from flowcore.errors import DagError, UsageError
from flowcore.runner.sources import XComKey, XComSource
from flowcore.sdk.exceptions import XComNotJson
from flowcore.sdk.xcom_args import RETURN_VALUE

KEY_LENGTH_MAX = 512


class RunningTaskInstance:
    """Implements `flowcore.sdk.TaskInstance`. Made on the thread of the event loop, used on any.

    What is pushed is put into `pushed`, by key as JSON texts.
    """

    def __init__(
        self, workload: Workload, xcoms: XComSource, *, pushed: dict[str, str], loop: EventLoopToken
    ) -> None:
        self.workload, self._xcoms, self._pushed, self._loop = workload, xcoms, pushed, loop
        self._loop_thread = threading.get_ident()

    @property
    def dag_id(self) -> str:
        return self.workload.run.dag_id

    @property
    def run_id(self) -> str:
        return self.workload.run.run_id

    @property
    def task_id(self) -> str:
        return self.workload.task_id

    @property
    def map_index(self) -> int:
        return self.workload.map_index

    @property
    def try_number(self) -> int:
        return self.workload.try_number

    @property
    def max_tries(self) -> int:
        return self.workload.max_tries

    def __repr__(self) -> str:
        return f"<TaskInstance {self.workload}>"

    def xcom_push(self, key: str, value: Any) -> None:
        if not 0 < len(key) <= KEY_LENGTH_MAX:
            raise DagError(
                f"task {self.task_id!r} cannot push an XCom under {key!r}; use a string of 1 to"
                f" {KEY_LENGTH_MAX} characters"
            )
        try:
            # NaN and infinity are no JSON: no database and no other language would read them.
            self._pushed[key] = json.dumps(value, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise XComNotJson(self.task_id, key, value, reason=str(error)) from error

    def xcom_pull(
        self, task_ids: str | Sequence[str] | None = None, *, key: str = RETURN_VALUE, default: Any = None
    ) -> Any:
        if threading.get_ident() == self._loop_thread:
            raise UsageError(
                f"task {self.task_id!r} called ti.xcom_pull() on the event loop, which would block it; use"
                " `await ti.axcom_pull(...)` in coroutines"
            )
        # The token lets threads in that the author's function has started itself.
        return anyio.from_thread.run(self._pull, task_ids, key, default, token=self._loop)

    async def axcom_pull(
        self, task_ids: str | Sequence[str] | None = None, *, key: str = RETURN_VALUE, default: Any = None
    ) -> Any:
        return await self._pull(task_ids, key, default)

    async def _pull(self, task_ids: str | Sequence[str] | None, key: str, default: Any) -> Any:
        wanted = self.task_id if task_ids is None else task_ids
        if isinstance(wanted, str):
            return (await self._pull_each([wanted], key, default))[0]
        return await self._pull_each(wanted, key, default)

    async def _pull_each(self, task_ids: Sequence[str], key: str, default: Any) -> list[Any]:
        keys: list[XComKey] = [(task_id, -1, key) for task_id in task_ids]
        found = dict(await self._xcoms.pull(self.workload.run.dag_run_id, keys))
        # What this try pushed is not stored before it ends.
        if key in self._pushed:
            found[self.task_id, -1, key] = json.loads(self._pushed[key])
        return [found.get(wanted, default) for wanted in keys]

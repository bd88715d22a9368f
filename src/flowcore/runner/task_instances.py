"""`ti`: the try as the task itself sees it, and the context around it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flowcore.domain.workloads import Workload
from flowcore.errors import DagError, UsageError
from flowcore.runner.run_questions import AsksAboutRuns
from flowcore.sdk.comms.messages import PullXComs
from flowcore.sdk.comms.questions import Comms, Question, aanswered, answered, ask, called_as
from flowcore.sdk.context import Context
from flowcore.sdk.exceptions import XComHoldsSecret, XComNotJson
from flowcore.sdk.operators import BaseOperator
from flowcore.sdk.xcom_args import RETURN_VALUE
from flowcore.secrets.masking import PROCESS

KEY_LENGTH_MAX = 512


class RunningTaskInstance(AsksAboutRuns):
    """Implements `flowcore.sdk.TaskInstance`. Used on any thread.

    What is pushed is put into `pushed`, by key as JSON texts. `task` is the copy that the try works on.
    """

    def __init__(
        self,
        workload: Workload,
        task: BaseOperator,
        *,
        comms: Comms,
        pushed: dict[str, str],
        start_date: datetime,
    ) -> None:
        super().__init__(workload, comms)
        self.task, self.start_date, self._pushed = task, start_date, pushed
        self.context: Context | None = None

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

    def get_template_context(self) -> Context:
        if self.context is None:
            raise UsageError("the context is being made; ask for it inside the task")
        return self.context

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
            text = json.dumps(value, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise XComNotJson(self.task_id, key, value, reason=str(error)) from error
        if PROCESS.betrays(text):
            raise XComHoldsSecret(self.task_id, key)
        self._pushed[key] = text

    # Not by way of the current comms: threads that the author has started have none.
    def xcom_pull(
        self, task_ids: str | Sequence[str] | None = None, *, key: str = RETURN_VALUE, default: Any = None
    ) -> Any:
        with called_as("ti.xcom_pull"):
            return answered(self._pull(task_ids, key, default), self.comms)

    async def axcom_pull(
        self, task_ids: str | Sequence[str] | None = None, *, key: str = RETURN_VALUE, default: Any = None
    ) -> Any:
        return await aanswered(self._pull(task_ids, key, default), self.comms)

    def _pull(self, task_ids: str | Sequence[str] | None, key: str, default: Any) -> Question[Any]:
        wanted = self.task_id if task_ids is None else task_ids
        if isinstance(wanted, str):
            return (yield from self._pull_each([wanted], key, default))[0]
        return (yield from self._pull_each(wanted, key, default))

    def _pull_each(self, task_ids: Sequence[str], key: str, default: Any) -> Question[list[Any]]:
        keys = tuple((task_id, -1, key) for task_id in task_ids)
        texts = (yield from ask(PullXComs(self.workload.run.dag_run_id, keys))).texts
        found = dict(zip(task_ids, texts, strict=True))
        # What this try pushed is not stored before it ends.
        if key in self._pushed:
            found[self.task_id] = self._pushed[key]
        return [default if text is None else json.loads(text) for text in map(found.get, task_ids)]

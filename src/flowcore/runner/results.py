"""What a task returned, as XComs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowcore.errors import DagError
from flowcore.runner.task_instances import RunningTaskInstance
from flowcore.sdk.comms.questions import Question
from flowcore.sdk.operators import BaseOperator
from flowcore.sdk.xcom_args import RETURN_VALUE


def pushed_result(ti: RunningTaskInstance, task: BaseOperator, result: Any) -> Question[None]:
    """Push what `task` returned, unless that is None or the task says not to; see to what it pushed itself.

    Raises:
        XComNotJson, XComTooLarge: It cannot be kept.
        DagError: The task has multiple outputs and returned no dict with strings as keys.
    """
    if result is not None and task.do_xcom_push:
        items = _items(ti, result) if task.multiple_outputs else ()
        for key, value in (*items, (RETURN_VALUE, result)):
            yield from ti.xcoms.push_waiting(key, value)
    yield from ti.xcoms.settled()


def _items(ti: RunningTaskInstance, result: Any) -> list[tuple[str, Any]]:
    if isinstance(result, Mapping) and all(isinstance(key, str) for key in result):
        return list(result.items())
    raise DagError(
        f"task {ti.task_id!r} has multiple_outputs and returned {type(result).__name__}; return a dict with"
        " strings as keys, or set multiple_outputs=False"
    )

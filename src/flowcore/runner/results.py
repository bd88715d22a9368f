"""What a task returned, as XComs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowcore.errors import DagError
from flowcore.runner.task_instances import RunningTaskInstance
from flowcore.sdk.operators import BaseOperator
from flowcore.sdk.xcom_args import RETURN_VALUE


def push_result(ti: RunningTaskInstance, task: BaseOperator, result: Any) -> None:
    """Push what `task` returned, unless that is None or the task says not to.

    Raises:
        XComNotJson: It is not JSON.
        DagError: The task has multiple outputs and returned no dict with strings as keys.
    """
    if result is None or not task.do_xcom_push:
        return
    if task.multiple_outputs:
        for key, value in _items(ti, result):
            ti.xcom_push(key, value)
    ti.xcom_push(RETURN_VALUE, result)


def _items(ti: RunningTaskInstance, result: Any) -> list[tuple[str, Any]]:
    if isinstance(result, Mapping) and all(isinstance(key, str) for key in result):
        return list(result.items())
    raise DagError(
        f"task {ti.task_id!r} has multiple_outputs and returned {type(result).__name__}; return a dict with"
        " strings as keys, or set multiple_outputs=False"
    )

"""What a task returned, as XComs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flowcore.domain.workloads import NO_EFFECTS, TryEffects
from flowcore.errors import DagError
from flowcore.runner.task_instances import RunningTaskInstance
from flowcore.sdk.comms.questions import Question
from flowcore.sdk.exceptions import XComNotMappable
from flowcore.sdk.operators import BaseOperator
from flowcore.sdk.xcom_args import RETURN_VALUE


def pushed_result(
    ti: RunningTaskInstance, task: BaseOperator, result: Any, *, length_max: int
) -> Question[TryEffects]:
    """Push what `task` returned, unless that is None or the task says not to; see to what it pushed itself.

    What that means for those who are mapped over it is returned.

    Raises:
        XComNotJson, XComTooLarge: It cannot be kept.
        DagError: The task has multiple outputs and returned no dict with strings as keys.
        XComNotMappable: Others are mapped over it, and that cannot be done, or it has too many elements.
    """
    effects = _effects(task, result, length_max) if task.is_mapped_over else NO_EFFECTS
    if result is not None and task.do_xcom_push:
        items = _items(ti, result) if task.multiple_outputs else ()
        for key, value in (*items, (RETURN_VALUE, result)):
            yield from ti.xcoms.push_waiting(key, value)
    yield from ti.xcoms.settled()
    return effects


def _effects(task: BaseOperator, result: Any, length_max: int) -> TryEffects:
    if task.mapping is not None:
        # Each instance is an element for those that are mapped over the task.
        return NO_EFFECTS if result is None else TryEffects(length=1)
    if not isinstance(result, Sequence | Mapping) or isinstance(result, str | bytes | bytearray):
        raise XComNotMappable(task.task_id, f"returned {_kind(result)}", "return a list or a dict")
    if len(result) > length_max:
        raise XComNotMappable(
            task.task_id,
            f"returned {len(result):,} elements, and max_map_length is {length_max:,}",
            "return fewer, such as lists of elements, or let the operator raise max_map_length",
        )
    return TryEffects(length=len(result))


def _kind(result: Any) -> str:
    return "nothing" if result is None else f"something of type {type(result).__name__}"


def _items(ti: RunningTaskInstance, result: Any) -> list[tuple[str, Any]]:
    if isinstance(result, Mapping) and all(isinstance(key, str) for key in result):
        return list(result.items())
    raise DagError(
        f"task {ti.task_id!r} has multiple_outputs and returned {type(result).__name__}; return a dict with"
        " strings as keys, or set multiple_outputs=False"
    )

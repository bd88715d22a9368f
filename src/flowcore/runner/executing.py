"""The author's code of one try: `pre_execute`, the work itself, `post_execute`; in both colours.

The hooks are functions. Those of a coroutine run in threads, so that they may block.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from flowcore.errors import DagError
from flowcore.sdk.comms.questions import Call
from flowcore.sdk.context import Context
from flowcore.sdk.operators import BaseOperator


def executed(task: BaseOperator, context: Context) -> Any:
    """Do the work of a function, and return its result."""
    for hook in _hooks(task, "pre_execute"):
        hook(context)
    result = task.execute(context)
    for hook in _hooks(task, "post_execute"):
        hook(context, result)
    return result


async def aexecuted(task: BaseOperator, context: Context) -> Any:
    """The same for a coroutine."""
    for hook in _hooks(task, "pre_execute"):
        await Call(partial(hook, context)).in_thread()
    result = await task.aexecute(context)
    for hook in _hooks(task, "post_execute"):
        await Call(partial(hook, context, result)).in_thread()
    return result


def _hooks(task: BaseOperator, name: str) -> Iterable[Callable[..., object]]:
    """What the Dag file was given for the task, then what its class says."""
    given = task.given_hooks.get(name)
    if given is not None:
        yield given
    if getattr(type(task), name) is not getattr(BaseOperator, name):
        own = getattr(task, name)
        if inspect.iscoroutinefunction(own):
            raise DagError(
                f"{name} of task {task.task_id!r} is a coroutine function; make it a function,"
                " which may block"
            )
        yield own

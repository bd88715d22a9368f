"""The author's callbacks: who is called when a try begins and when it has ended, in both colours.

They have `CALLBACKS_S` in all. What they raise is logged and returned; neither that nor their hanging changes
how the try ended.
"""

from __future__ import annotations

import inspect
import logging
import math
import threading
from collections.abc import Awaitable, Sequence
from contextvars import copy_context

import anyio

from flowcore.backends import Backend
from flowcore.concurrency.thread_calls import ThreadCall
from flowcore.domain.retries import may_retry
from flowcore.domain.states import TaskInstanceState
from flowcore.domain.workloads import TryOutcome, Workload
from flowcore.sdk.context import Context
from flowcore.sdk.notifiers import Callback
from flowcore.sdk.operators import BaseOperator

log = logging.getLogger(__name__)

CALLBACKS_S = 60.0
"""How long all callbacks of one occasion may take together."""


def state_after(outcome: TryOutcome, workload: Workload) -> TaskInstanceState | None:
    """The state that callbacks are told; None when the try has not ended."""
    match outcome:
        case TryOutcome.SUCCESS:
            return TaskInstanceState.SUCCESS
        case TryOutcome.SKIPPED:
            return TaskInstanceState.SKIPPED
        case TryOutcome.FAILED if may_retry(workload.try_number, workload.max_tries):
            return TaskInstanceState.UP_FOR_RETRY
        case TryOutcome.FAILED | TryOutcome.FAILED_FOR_GOOD:
            return TaskInstanceState.FAILED
        case TryOutcome.RESCHEDULED | TryOutcome.GIVEN_BACK:
            return None


def callbacks_after(task: BaseOperator, state: TaskInstanceState | None) -> Sequence[Callback]:
    """Who is called when a try of the task has ended so."""
    match state:
        case TaskInstanceState.SUCCESS:
            return task.on_success_callback
        case TaskInstanceState.SKIPPED:
            return task.on_skipped_callback
        case TaskInstanceState.UP_FOR_RETRY:
            return task.on_retry_callback
        case TaskInstanceState.FAILED:
            return task.on_failure_callback
        case _:
            return ()


def call_back(
    callbacks: Sequence[Callback],
    context: Context,
    *,
    backend: Backend | None,
    limit_s: float = CALLBACKS_S,
) -> Sequence[str]:
    """Call them from a process without an event loop; coroutines get one of their own.

    What went wrong, a sentence each.
    """
    if not callbacks:
        return ()
    # In a thread, which can be left behind when it hangs: nobody else is in this process.
    run, problems = copy_context().run, list[str]()
    calling = threading.Thread(target=run, args=(_call, callbacks, context, backend, problems), daemon=True)
    calling.start()
    calling.join(limit_s)
    if calling.is_alive():
        return [*problems, _warn_of_hanging(limit_s)]
    return problems


def _call(
    callbacks: Sequence[Callback], context: Context, backend: Backend | None, problems: list[str]
) -> None:
    for callback in callbacks:
        try:
            returned = callback(context)
            if inspect.isawaitable(returned):
                anyio.run(_await, returned, backend=backend or Backend.ASYNCIO)
        # Whatever authors raise, SystemExit included, is theirs.
        except BaseException as error:
            problems.append(_note_failure(callback, error))


async def acall_back(
    callbacks: Sequence[Callback], context: Context, *, limit_s: float = CALLBACKS_S
) -> Sequence[str]:
    """Call them from an event loop: coroutine functions on it, functions in threads.

    What went wrong, a sentence each.
    """
    problems: list[str] = []
    if not callbacks:
        return problems
    with anyio.move_on_after(limit_s) as limit:
        for callback in callbacks:
            await _acall(callback, context, problems)
    if limit.cancelled_caught:
        problems.append(_warn_of_hanging(limit_s))
    return problems


async def _acall(callback: Callback, context: Context, problems: list[str]) -> None:
    try:
        if inspect.iscoroutinefunction(callback):
            returned: object = callback(context)
        else:
            returned = await ThreadCall(callback, context).run()
        if inspect.isawaitable(returned):
            await returned
    except KeyboardInterrupt:
        raise
    except anyio.get_cancelled_exc_class() as error:
        if anyio.current_effective_deadline() == -math.inf:
            raise
        problems.append(_note_failure(callback, error))
    except BaseException as error:
        problems.append(_note_failure(callback, error))


async def _await(returned: Awaitable[object]) -> None:
    await returned


def _note_failure(callback: Callback, error: BaseException) -> str:
    log.error("the callback %r failed", callback, exc_info=error)
    return f"{getattr(callback, '__name__', repr(callback))} raised {type(error).__name__}: {error}"


def _warn_of_hanging(limit_s: float) -> str:
    problem = f"the callbacks took longer than {limit_s:g} s and are left behind"
    log.error("%s; give what they wait for a timeout", problem)
    return f"{problem}; give what they wait for a timeout"

"""What listeners hear of a try: they are called as its task's own callbacks are, after them.

So they have what callbacks have: the process of the try, its log, and a limit of time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs

from flowcore.domain.states import TaskInstanceState
from flowcore.domain.try_settings import TrySettings
from flowcore.plug_ins.listeners import Hearing, Hook, listeners
from flowcore.sdk.context import Context
from flowcore.sdk.notifiers import Callback

_S = TaskInstanceState
_HOOKS = {
    _S.RUNNING: Hook.TRY_RUNNING,
    _S.SUCCESS: Hook.TRY_SUCCESS,
    _S.SKIPPED: Hook.TRY_SKIPPED,
    _S.FAILED: Hook.TRY_FAILED,
    _S.UP_FOR_RETRY: Hook.TRY_FAILED,
}


@attrs.frozen
class TryListener:
    """Calls one function of a listener, as a callback of the task."""

    hearing: Hearing
    previous_state: TaskInstanceState

    def __repr__(self) -> str:
        function: Callable[..., Any] = self.hearing.function
        return f"<listener {function.__module__}.{getattr(function, '__qualname__', function)}>"

    def __call__(self, context: Context) -> Any:
        """Tell; what is returned may have to be awaited."""
        return self.hearing(
            previous_state=self.previous_state,
            task_instance=context["ti"],
            error=context.get("exception"),
        )


def listeners_after(state: TaskInstanceState | None, settings: TrySettings) -> Sequence[Callback]:
    """Who is called when a try has begun (`running`) or ended so; none where none is installed."""
    if not settings.has_listeners or state not in _HOOKS:
        return ()
    previous = _S.QUEUED if state is _S.RUNNING else _S.RUNNING
    return [TryListener(hearing, previous) for hearing in listeners().get(_HOOKS[state], ())]

"""Listeners: objects and modules of plug-ins whose functions are called when something happens.

Names and arguments of the functions are Airflow's; each takes those of the arguments that it likes. One
that is marked with `hookimpl` may say that it comes first or last.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from functools import cache
from typing import Any

import attrs

from flowcore.plug_ins.catalogue import catalogue
from flowcore.plug_ins.kinds import Kind

log = logging.getLogger(__name__)

#: Where pluggy's markers leave their options, which may be used as well.
_MARK = "airflow_impl"


class Hook(StrEnum):
    """What listeners hear of."""

    TRY_RUNNING = "on_task_instance_running"
    TRY_SUCCESS = "on_task_instance_success"
    TRY_FAILED = "on_task_instance_failed"
    TRY_SKIPPED = "on_task_instance_skipped"
    RUN_RUNNING = "on_dag_run_running"
    RUN_SUCCESS = "on_dag_run_success"
    RUN_FAILED = "on_dag_run_failed"
    STARTING = "on_starting"
    STOPPING = "before_stopping"


TRY_HOOKS = frozenset({Hook.TRY_RUNNING, Hook.TRY_SUCCESS, Hook.TRY_FAILED, Hook.TRY_SKIPPED})


def hookimpl(function: Callable[..., Any] | None = None, **options: bool) -> Any:
    """Mark a function of a listener; `tryfirst` or `trylast` says when it comes among others."""

    def mark(function: Callable[..., Any]) -> Callable[..., Any]:
        setattr(function, _MARK, options)
        return function

    return mark if function is None else mark(function)


@attrs.frozen
class Hearing:
    """A function of a listener, to be called with those of the arguments that it takes."""

    function: Callable[..., Any]

    def __call__(self, **arguments: Any) -> Any:
        """Tell; what is returned may have to be awaited."""
        parameters = inspect.signature(self.function).parameters.values()
        if any(one.kind is one.VAR_KEYWORD for one in parameters):
            return self.function(**arguments)
        names = {one.name for one in parameters}
        return self.function(**{name: value for name, value in arguments.items() if name in names})


Hearings = Mapping[Hook, Sequence[Hearing]]


@cache
def listeners() -> Hearings:
    """Who hears of what in this process; a listener that cannot be loaded is logged and left out."""
    loaded = []
    for plug_in in catalogue().by_kind[Kind.LISTENER].values():
        try:
            listener = plug_in.load()
            loaded.append(listener() if isinstance(listener, type) else listener)
        # Whatever its module raises; SystemExit is what a script ends with.
        except (Exception, SystemExit):
            log.exception("the listener %r (%s) cannot be loaded", plug_in.name, plug_in.path)
    return hearings_of(loaded)


def hearings_of(listeners: Iterable[Any]) -> Hearings:
    """What these objects and modules hear of."""
    found = list(listeners)
    hearings = {}
    for hook in Hook:
        functions = [function for one in found if callable(function := getattr(one, hook, None))]
        if functions:
            hearings[hook] = tuple(Hearing(function) for function in sorted(functions, key=_turn))
    return hearings


def has_listeners() -> bool:
    """Whether plug-ins bring any listener; none is loaded for that."""
    return bool(catalogue().by_kind[Kind.LISTENER])


def _turn(function: Callable[..., Any]) -> int:
    options = getattr(function, _MARK, {})
    return int(bool(options.get("trylast"))) - int(bool(options.get("tryfirst")))

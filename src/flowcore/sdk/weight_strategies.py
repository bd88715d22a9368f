"""Weight strategies of one's own: which one a `weight_rule` means, and what it makes a task weigh.

A strategy is asked when the Dag is read and after each try that failed, never by a scheduler. One that fails
leaves the weight as it is.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

import attrs

from flowcore.domain.priority_weights import PriorityWeightStrategy, WeightRule, clamped
from flowcore.errors import DagError
from flowcore.plug_ins.catalogue import catalogue
from flowcore.plug_ins.kinds import Kind

if TYPE_CHECKING:
    from flowcore.sdk.operators import BaseOperator

log = logging.getLogger(__name__)


@attrs.frozen
class PlannedTaskInstance:
    """What a strategy sees before there is a run: a task instance of which no try has ended."""

    task: BaseOperator
    try_number: int = 0
    map_index: int = -1

    @property
    def dag_id(self) -> str:
        return self.task.required_dag.dag_id

    @property
    def task_id(self) -> str:
        return self.task.task_id

    @property
    def max_tries(self) -> int:
        return self.task.retries

    @property
    def priority_weight(self) -> int:
        return self.task.priority_weight

    @property
    def pool(self) -> str:
        return self.task.pool

    @property
    def queue(self) -> str:
        return self.task.queue

    @property
    def operator(self) -> str:
        return self.task.kind


def weight_rule(value: Any) -> WeightRule | PriorityWeightStrategy:
    """What a `weight_rule` means: a rule, or a strategy by itself, its class, its path or its plug-in's name.

    Raises:
        ValueError: It is none of these.
        DagError: The strategy cannot be made.
    """
    try:
        return WeightRule(value)
    except ValueError:
        return _strategy(value)


def planned_weight(task: BaseOperator, weight: int) -> int:
    """What a task weighs in a new run: as its strategy says, or else `weight`."""
    return _weight(task, PlannedTaskInstance(task), weight)


def next_weight(task: BaseOperator, ti: Any, weight: int) -> int:
    """What a task instance weighs after its failed try `ti.try_number`."""
    return _weight(task, ti, weight)


def has_strategy(task: BaseOperator) -> bool:
    """Whether what a task weighs is up to a strategy."""
    return not isinstance(task.weight_rule, WeightRule)


def _weight(task: BaseOperator, ti: Any, default: int) -> int:
    strategy = task.weight_rule
    if isinstance(strategy, WeightRule):
        return default
    try:
        weight: Any = strategy.get_weight(ti)
        if not isinstance(weight, int | float) or isinstance(weight, bool) or math.isnan(weight):
            raise TypeError(f"it answered {weight!r}; let it return a whole number")
        return clamped(int(max(-1e18, min(weight, 1e18))))
    except Exception:
        log.exception(
            "the weight strategy %s of task %s failed; the task weighs %s",
            type(strategy).__name__,
            task.task_id,
            default,
        )
        return default


def _strategy(value: Any) -> PriorityWeightStrategy:
    made = _made(value, _found(value)) if isinstance(value, str) else value
    if isinstance(made, type):
        made = _made(value, made)
    if not callable(getattr(made, "get_weight", None)):
        raise ValueError
    strategy: PriorityWeightStrategy = made
    return strategy


def _found(name: str) -> Callable[[], Any]:
    """The class of that name or path."""
    if plug_in := catalogue().get(Kind.WEIGHT_STRATEGY, name):
        return lambda: plug_in.load()()
    module, _, attribute = name.rpartition(".")
    if not module or not attribute:
        raise ValueError
    return lambda: getattr(import_module(module), attribute)()


def _made(value: Any, make: Callable[[], Any]) -> Any:
    try:
        return make()
    # Whatever an import or its author's code raises.
    except Exception as error:
        raise DagError(
            f"the weight strategy {value!r} cannot be made ({type(error).__name__}: {error}); mend or install"
            " what it is in, or give an object of it"
        ) from error

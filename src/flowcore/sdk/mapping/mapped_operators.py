"""Operators that are mapped: `BashOperator.partial(task_id="x").expand(bash_command=[...])`.

Such a task is in its Dag as a `MappedOperator`; each try makes an instance of the class with the arguments of
its map index. Until then the class is not called, for it may look into what is not known yet.
"""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping
from functools import cached_property
from typing import Any

from flowcore.domain.skips import SkipReach
from flowcore.errors import DagError
from flowcore.sdk.mapping.expansions import Expansion, Known, combinations, dicts
from flowcore.sdk.nesting import default_args_for
from flowcore.sdk.operators import BaseOperator
from flowcore.sdk.skipping import SkipsDownstream
from flowcore.sdk.task_arguments import TASK_RULES

_PLACE = frozenset({"dag", "task_group", "default_args"})
#: What is the same for all instances, and is not theirs to know.
_KEPT = (
    "dag", "task_group", "task_id", "upstream_task_ids", "downstream_task_ids", "is_setup", "is_teardown",
    "trigger_rule", "on_failure_fail_dagrun", "is_mapped_over", "expansion",
)  # fmt: skip


class OperatorPartial:
    """What `partial` made of an operator class; `expand` or `expand_kwargs` makes a task of it."""

    def __init__(self, operator_class: type[BaseOperator], arguments: Mapping[str, Any]) -> None:
        self.operator_class, self.arguments = operator_class, arguments
        self._check(arguments)

    def expand(self, **mapped: Any) -> MappedOperator:
        """Make a task with an instance for each combination of elements of these lists, dicts and outputs.

        Raises:
            DagError: Something cannot be mapped over, or the class has no such argument.
        """
        self._check(mapped, given=self.arguments)
        return self._expanded(combinations(self._subject, mapped))

    def expand_kwargs(self, kwargs: Any) -> MappedOperator:
        """Make a task with an instance for each dict of arguments in a list or an output.

        Raises:
            DagError: It is no such list, or the class has no such argument.
        """
        expansion = dicts(self._subject, kwargs)
        for item in kwargs if isinstance(kwargs, list | tuple) else ():
            if isinstance(item, Mapping):
                self._check(item, given=self.arguments)
        return self._expanded(expansion)

    @property
    def _subject(self) -> str:
        return f"{self.operator_class.__name__} {self.arguments['task_id']!r}"

    def _expanded(self, expansion: Expansion) -> MappedOperator:
        own = {name: value for name, value in self.arguments.items() if name in TASK_RULES or name in _PLACE}
        return MappedOperator(
            self.arguments["task_id"],
            operator_class=self.operator_class,
            constant={name: value for name, value in self.arguments.items() if name not in _PLACE},
            expansion=expansion,
            **own,
        )

    def _check(self, arguments: Mapping[str, Any], given: Collection[str] = ()) -> None:
        if twice := sorted(set(given) & arguments.keys()):
            raise DagError(f"{self._subject} is given {', '.join(twice)} twice; give each argument once")
        known = arguments_of(self.operator_class)
        if unknown := sorted(arguments.keys() - known):
            raise DagError(
                f"{self._subject} has no argument {', '.join(unknown)}; it has {', '.join(sorted(known))}"
            )


class MappedOperator(BaseOperator):
    """A task of an operator class that is mapped."""

    def __init__(
        self,
        task_id: str,
        *,
        operator_class: type[BaseOperator],
        constant: Mapping[str, Any],
        expansion: Expansion,
        **own: Any,
    ) -> None:
        self.operator_class, self.constant = operator_class, dict(constant)
        defaults = default_args_for(own)
        super().__init__(task_id, expansion=expansion, **own)
        self._default_args = dict(defaults)

    @property
    def kind(self) -> str:
        return self.operator_class.operator_name or self.operator_class.__name__

    @property
    def has_work(self) -> bool:
        return bool(self._bare.has_work)

    @property
    def is_async(self) -> bool:
        return bool(self._bare.is_async)

    @property
    def skip_reach(self) -> SkipReach:
        """How far an instance may skip."""
        return self._bare.skip_reach if isinstance(self._bare, SkipsDownstream) else SkipReach.NOTHING

    def unmapped(self, element: Mapping[str, Any]) -> BaseOperator:
        values = {name: value.value if isinstance(value, Known) else value for name, value in element.items()}
        if twice := sorted(self.constant.keys() & values.keys()):
            raise DagError(
                f"task {self.task_id!r} is given {', '.join(twice)} twice; give each argument once"
            )
        operator: BaseOperator = self.operator_class.make_alone(
            default_args=self._default_args, **self.constant, **values
        )
        for name in _KEPT:
            setattr(operator, name, getattr(self, name))
        # A value of another task is no template, whatever is in it.
        known = {id(value.value): value for value in element.values() if isinstance(value, Known)}
        for name in operator.template_fields:
            if (value := known.get(id(getattr(operator, name, None)))) is not None:
                setattr(operator, name, value)
        operator.note_references()
        return operator

    @cached_property
    def _bare(self) -> Any:
        """An instance that was not initialized: its class says what holds for all."""
        bare = object.__new__(self.operator_class)
        vars(bare).update(self.constant)
        return bare


def arguments_of(operator_class: type[BaseOperator]) -> set[str]:
    """The arguments that a class takes."""
    names: set[str] = set()
    for base in operator_class.__mro__[: operator_class.__mro__.index(BaseOperator) + 1]:
        if "__init__" not in vars(base):
            continue
        parameters = inspect.signature(vars(base)["__init__"]).parameters.values()
        names |= {p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            return names - {"self", "expansion"}
    return (names | TASK_RULES.keys()) - {"self", "expansion"}


def partial_of(operator_class: Any, arguments: Mapping[str, Any]) -> OperatorPartial:
    """What `BaseOperator.partial` makes."""
    return OperatorPartial(operator_class, arguments)

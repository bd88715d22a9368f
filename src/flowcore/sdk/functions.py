"""`FunctionOperator`: the task that `@task` makes of one call of a function."""

from __future__ import annotations

import copy
from collections.abc import Generator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Self

from flowcore.errors import DagError, UsageError
from flowcore.sdk.assets.events import Metadata
from flowcore.sdk.context import Context
from flowcore.sdk.mapping.expansions import Combinations, Dicts, Expansion
from flowcore.sdk.operators import BaseOperator
from flowcore.sdk.references import Lookup
from flowcore.sdk.task_callables import TaskCallable


class FunctionOperator(BaseOperator):
    """Calls a function of the author; a coroutine function on the event loop, another in a thread."""

    operator_name = "@task"
    template_fields: Sequence[str] = ("templates_dict", "op_args", "op_kwargs")
    template_fields_renderers = MappingProxyType(
        {"templates_dict": "json", "op_args": "py", "op_kwargs": "py"}
    )

    def __init__(
        self,
        task_id: str,
        *,
        called: TaskCallable,
        op_args: Sequence[Any],
        op_kwargs: Mapping[str, Any],
        templates_dict: Mapping[str, Any] | None = None,
        templates_exts: Sequence[str] | None = None,
        **arguments: Any,
    ) -> None:
        if arguments.get("multiple_outputs") is None:
            arguments["multiple_outputs"] = called.returns_mapping or None
        if arguments.get("doc_md") is None:
            arguments["doc_md"] = called.function.__doc__
        expansion: Expansion | None = arguments.get("expansion")
        self._from_context = called.filled_from_context(
            op_args, {**op_kwargs, **_mapped_names(expansion)}, some_to_come=isinstance(expansion, Dicts)
        )
        super().__init__(task_id, **arguments)
        self.called, self.op_args, self.op_kwargs = called, tuple(op_args), dict(op_kwargs)
        self.templates_dict = templates_dict
        self.template_ext = tuple(templates_exts or type(self).template_ext)

    @property
    def is_async(self) -> bool:
        return self.called.is_async

    def execute(self, context: Context) -> Any:
        result = self.called.function(*self.op_args, **self._kwargs(context))
        return _yielded(result, context) if self.called.is_generator else result

    async def aexecute(self, context: Context) -> Any:
        return await self.called.function(*self.op_args, **self._kwargs(context))

    @property
    def named_context_keys(self) -> frozenset[str]:
        return self.called.named(self._from_context)

    def unmapped(self, element: Mapping[str, Any]) -> Self:
        if twice := sorted(self.op_kwargs.keys() & element.keys()):
            raise DagError(
                f"task {self.task_id!r} is given {', '.join(twice)} by partial() and by what it is mapped"
                " over; give each argument once"
            )
        copied = copy.copy(self)
        # Of the mapped task nothing is known of what has templates.
        vars(copied).pop("templated_fields", None)
        copied.op_kwargs = {**self.op_kwargs, **element}
        copied._from_context = self.called.filled_from_context(copied.op_args, copied.op_kwargs)
        copied.note_references()
        return copied

    def for_one_try(self, lookup: Lookup) -> Self:
        # A function cannot change its operator, so only what is replaced needs a copy.
        return super().for_one_try(lookup) if self._referring or self.templated_fields else self

    def _kwargs(self, context: Context) -> Mapping[str, Any]:
        context["templates_dict"] = self.templates_dict
        return self.called.values_from(context, self._from_context) | self.op_kwargs


def _mapped_names(expansion: Expansion | None) -> Mapping[str, Any]:
    return expansion.arguments if isinstance(expansion, Combinations) else {}


def _yielded(generator: Generator[Any, Any, Any], context: Context) -> Any:
    """Take what a function yields about its outlets; what it returned."""
    while True:
        try:
            item = next(generator)
        except StopIteration as stop:
            return stop.value
        if not isinstance(item, Metadata):
            raise UsageError(
                f"the task yielded {item!r:.80}; yield nothing but Metadata, and return its result"
            )
        context["outlet_events"].note(item)

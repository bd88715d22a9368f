"""The author's functions behind `@task`: what they want to be called with.

Parameters that are called like a key of the context (`ti`, `ds`, ...) are filled from it, unless the
author gives them; a `**kwargs` parameter gets the rest of the context.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_origin, get_type_hints, is_typeddict

import attrs

from flowcore.errors import DagError
from flowcore.sdk.context import CONTEXT_KEYS, PARAMETER_KEYS, Context

_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


@attrs.frozen
class TaskCallable:
    """A function with its signature."""

    function: Callable[..., Any]
    signature: inspect.Signature
    is_async: bool

    @classmethod
    def of(cls, function: Callable[..., Any]) -> TaskCallable:
        """Look at a function.

        Raises:
            DagError: It does not say its parameters, or has a parameter that is called like a key of the
                context and has a default other than None.
        """
        signature = _signature(function)
        for parameter in signature.parameters.values():
            if parameter.name in PARAMETER_KEYS and parameter.default not in (None, parameter.empty):
                raise DagError(
                    f"parameter {parameter.name!r} of task function {_name(function)!r} is filled from the"
                    " context and cannot have a default; make it None, or rename the parameter"
                )
        return cls(function, signature, inspect.iscoroutinefunction(function))

    @property
    def name(self) -> str:
        """How the author calls it."""
        return _name(self.function)

    @property
    def is_generator(self) -> bool:
        """Whether a call makes a generator, whose items tell about outlets."""
        return inspect.isgeneratorfunction(self.function)

    @property
    def returns_mapping(self) -> bool:
        """Whether its annotation says that it returns a dict, whose items become XComs."""
        try:
            returned = get_type_hints(self.function).get("return")
        except (NameError, AttributeError, TypeError):  # an annotation that means nothing at run time
            return False
        kind = get_origin(returned) or returned
        return is_typeddict(returned) or (isinstance(kind, type) and issubclass(kind, Mapping))

    def filled_from_context(
        self, args: Sequence[Any], kwargs: Mapping[str, Any], *, some_to_come: bool = False
    ) -> frozenset[str]:
        """The keys of the context that a call with these arguments wants in addition.

        With `some_to_come` others may be given later, as to a task that is mapped.

        Raises:
            DagError: The function cannot be called so.
        """
        try:
            given = self.signature.bind_partial(*args, **kwargs).arguments.keys()
        except TypeError as error:
            raise self._bad_call(str(error)) from None
        missing = self._required() - given - PARAMETER_KEYS
        if missing and not some_to_come:
            raise self._bad_call(f"missing {', '.join(sorted(missing))}")
        parameters = self.signature.parameters
        wants_all = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
        named = PARAMETER_KEYS & parameters.keys()
        return (named | (CONTEXT_KEYS - parameters.keys()) if wants_all else named) - given

    def named(self, keys: frozenset[str]) -> frozenset[str]:
        """Those of the keys that parameters are called like, and not only taken by `**kwargs`."""
        return keys & self.signature.parameters.keys()

    def values_from(self, context: Context, keys: frozenset[str]) -> dict[str, Any]:
        """The arguments that `filled_from_context` named, as far as the context has them."""
        # What nobody names is not looked up for `**kwargs` alone; see `lazy_context.py`.
        known: Mapping[str, Any] = dict(context)
        named = self.named(keys)
        return {
            name: context[name] if name in named else known[name]  # type: ignore[literal-required]
            for name in keys
            if name in known
        }

    def _required(self) -> set[str]:
        return {
            parameter.name
            for parameter in self.signature.parameters.values()
            if parameter.default is parameter.empty and parameter.kind not in _VARIADIC
        }

    def _bad_call(self, reason: str) -> DagError:
        return DagError(
            f"task function {self.name!r} cannot be called with these arguments: {reason};"
            f" its signature is {self.signature}"
        )


def _signature(function: Callable[..., Any]) -> inspect.Signature:
    try:
        return inspect.signature(function)
    except ValueError as error:
        raise DagError(
            f"{function!r} cannot be a task: {error}; call it in a function of your own"
        ) from error


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", type(function).__name__)

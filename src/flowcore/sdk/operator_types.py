"""How operator classes differ from other classes: by what happens around `__init__`."""

from __future__ import annotations

import functools
import inspect
from abc import ABCMeta
from collections.abc import Callable
from typing import Any

from flowcore.sdk.nesting import default_args_for


class OperatorType(ABCMeta):
    """Lets `default_args` reach the arguments of every class, and outputs in arguments make dependencies."""

    def __new__(
        mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **options: Any
    ) -> OperatorType:
        if "__init__" in namespace:
            namespace["__init__"] = _taking_default_args(namespace["__init__"])
        return super().__new__(mcs, name, bases, namespace, **options)

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        operator = super().__call__(*args, **kwargs)
        # Only now every `__init__` of the class has set its attributes.
        operator.wait_for_its_references()
        return operator

    def make_alone(cls, **kwargs: Any) -> Any:
        """Make an operator that waits for nobody: an instance of a mapped task, for one try."""
        operator = super().__call__(**kwargs)
        operator.note_references()
        return operator


def _taking_default_args(init: Callable[..., None]) -> Callable[..., None]:
    # Each `__init__` of a class is filled by itself: what a subclass hands on explicitly stays as it is.
    names = [
        parameter.name
        for parameter in inspect.signature(init).parameters.values()
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    ]

    @functools.wraps(init)
    def filled(self: object, *args: Any, **kwargs: Any) -> None:
        defaults = default_args_for(kwargs)
        # The first name is `self`.
        open_names = names[1 + len(args) :] if defaults else ()
        missing = {name: defaults[name] for name in open_names if name in defaults and name not in kwargs}
        init(self, *args, **kwargs, **missing)

    return filled

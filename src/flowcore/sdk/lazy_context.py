"""The context of a try as a dict, some of whose values are looked up only when they are asked for.

`context[key]` and `context.get(key)` give the value itself. Where the dict is copied as a whole, as by
`**context`, what was not looked up yet is a stand-in that behaves like the value.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, NoReturn

from flowcore.sdk.absent_keys import absent_key


class LaterValue:
    """Stands for a time, a number or None that `look_up` finds; it is asked once."""

    def __init__(self, look_up: Callable[[], Any]) -> None:
        self._look_up = look_up

    def now(self) -> Any:
        """The value itself."""
        if "_found" not in vars(self):
            self._found = self._look_up()
        return self._found

    def __getattr__(self, name: str) -> Any:
        # What begins so is asked by Python itself, of an object that may not be finished yet.
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.now(), name)

    def __bool__(self) -> bool:
        return self.now() is not None

    def __hash__(self) -> int:
        return hash(self.now())

    def __str__(self) -> str:
        return str(self.now())

    def __repr__(self) -> str:
        return repr(self.now())

    def __format__(self, spec: str) -> str:
        return format(self.now(), spec)


def _of_the_value(operation: Callable[[Any, Any], Any]) -> Callable[[LaterValue, Any], Any]:
    def method(self: LaterValue, other: Any) -> Any:
        return operation(self.now(), other.now() if isinstance(other, LaterValue) else other)

    return method


for _name in ("eq", "ne", "lt", "le", "gt", "ge", "add", "sub"):
    setattr(LaterValue, f"__{_name}__", _of_the_value(getattr(operator, _name)))
setattr(LaterValue, "__radd__", _of_the_value(lambda time, other: other + time))  # noqa: B010
setattr(LaterValue, "__rsub__", _of_the_value(lambda time, other: other - time))  # noqa: B010


class LazyContext(dict[str, Any]):
    """The context of a try; to type checkers it is a `Context`."""

    def __getitem__(self, key: str) -> Any:
        value = super().__getitem__(key)
        return value.now() if isinstance(value, LaterValue) else value

    def __missing__(self, key: str) -> NoReturn:
        raise absent_key(key, known=self)

    def get(self, key: str, default: Any = None) -> Any:
        value = super().get(key, default)
        return value.now() if isinstance(value, LaterValue) else value

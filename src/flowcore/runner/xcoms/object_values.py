"""Objects as the data they are made of, and made again from it: what classes can be handed on as XComs."""

from __future__ import annotations

import dataclasses
from typing import Any

import attrs


def dump_object(value: Any) -> Any:
    """What `load_object` needs to make it again.

    Raises:
        TypeError: nobody knows how for its class.
    """
    cls = type(value)
    if hasattr(cls, "serialize") and hasattr(cls, "deserialize"):
        return value.serialize()
    if attrs.has(cls):
        return {field.alias: getattr(value, field.name) for field in attrs.fields(cls) if field.init}
    if dataclasses.is_dataclass(cls):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(cls) if field.init}
    if hasattr(cls, "model_dump") and hasattr(cls, "model_validate"):
        return value.model_dump(mode="json")
    raise TypeError(f"Object of type {cls.__name__} is not JSON serializable")


def load_object(cls: Any, data: Any, version: int) -> Any:
    """An object of the class; may raise what the class raises.

    Raises:
        TypeError: it is no class whose objects are handed on.
    """
    if not isinstance(cls, type):
        raise TypeError("there is no such class any more")
    if hasattr(cls, "serialize") and hasattr(cls, "deserialize"):
        return cls.deserialize(data, version)
    if attrs.has(cls) or dataclasses.is_dataclass(cls):
        return cls(**data)
    if hasattr(cls, "model_dump") and hasattr(cls, "model_validate"):
        return cls.model_validate(data)
    raise TypeError("objects of this class are not handed on")

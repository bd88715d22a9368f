"""What a lookup asks for."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """The two things that secrets backends keep."""

    CONNECTION = "connection"
    VARIABLE = "variable"


class SecretKey(NamedTuple):
    """A connection by its id, or a variable by its key."""

    kind: Kind
    name: str

"""What every partition mapper and every window offers, and the partition of a run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

import attrs

from flowcore.errors import DagError, UsageError

KEY_LENGTH_MAX = 250


@attrs.frozen
class Partition:
    """What a run deals with: `date` is the beginning of its period, in UTC, where `key` stands for one."""

    key: str
    date: datetime | None = None


def is_key(key: object) -> bool:
    """Whether it can be the key of a partition."""
    return isinstance(key, str) and bool(key.strip()) and len(key) <= KEY_LENGTH_MAX


def checked_key(key: object) -> str:
    """A key that somebody has given for a run or an update.

    Raises:
        UsageError: it cannot be one.
    """
    if not isinstance(key, str) or not is_key(key):
        raise UsageError(
            f"{key!r:.80} is no key of a partition; use a text of 1 to {KEY_LENGTH_MAX} characters"
        )
    return key


def _positive(instance: object, field: Any, value: object) -> None:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
        kind = type(instance).__name__
        raise DagError(f"{kind} has {field.name}={value!r}; give it a whole number of at least 1, or None")


@attrs.frozen
class PartitionMapper(ABC):
    """Says which runs an update of an asset is for: which keys of runs the key of the update becomes.

    `max_downstream_keys` bounds how many; None is the limit for all, `DOWNSTREAM_KEYS_MAX`.
    """

    max_downstream_keys: int | None = attrs.field(default=None, validator=_positive, kw_only=True)

    #: What `decode_downstream` makes of a key; a window has to be of the same.
    expected_decoded_type: ClassVar[type] = str

    @abstractmethod
    def to_downstream(self, key: str) -> str | Iterable[str]:
        """The key, or keys, of runs that the key of an update becomes.

        Raises:
            ValueError: it becomes none.
        """

    def decode_downstream(self, downstream_key: str) -> Any:
        """What the key of a run stands for: itself, or for those that deal with time a naive datetime."""
        return downstream_key

    def encode_upstream(self, decoded: Any) -> str:
        """The key of an update that stands for that."""
        return str(decoded)

    def format(self, decoded: Any) -> str:
        """The key of a run that stands for that."""
        return str(decoded)

    def to_partition_date(self, downstream_key: str) -> datetime | None:
        """The beginning of the period that the key of a run stands for; None if it stands for no period.

        Raises:
            ValueError: the key is malformed.
        """
        return None


class Direction(StrEnum):
    """Whether a window begins with its period, or ends with it."""

    FORWARD = "forward"
    BACKWARD = "backward"


@attrs.frozen
class Window(ABC):
    """The parts of a period, such as the days of a week.

    A backward one has those that end with the beginning of the period.
    """

    Direction: ClassVar = Direction
    #: What it is given, and makes.
    expected_decoded_type: ClassVar[type] = str

    @abstractmethod
    def to_upstream(self, decoded_downstream: Any) -> Iterable[Any]:
        """The parts of a period, given by its beginning."""

    @property
    @abstractmethod
    def size_max(self) -> int:
        """How many parts there may be."""

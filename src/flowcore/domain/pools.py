"""Pools as values, and as the documents in which they are exported."""

from __future__ import annotations

from typing import Any

import attrs

from flowcore.domain.dags import DEFAULT_POOL
from flowcore.errors import UsageError


@attrs.frozen
class Pool:
    """A number of slots that task instances share; -1 is no limit."""

    name: str
    slots: int
    description: str | None = None
    include_deferred: bool = False

    def __attrs_post_init__(self) -> None:
        if not self.name:
            raise UsageError("a pool needs a name; give it one")
        if self.slots < -1:
            raise UsageError(f"pool {self.name!r} cannot have {self.slots} slots; -1 means no limit")

    @property
    def is_default(self) -> bool:
        """Whether it is the pool of all tasks that name none."""
        return self.name == DEFAULT_POOL

    def to_document(self) -> dict[str, Any]:
        """Return it as Airflow exports it, under its name."""
        return {
            "slots": self.slots,
            "description": self.description or "",
            "include_deferred": self.include_deferred,
        }

    @classmethod
    def of_document(cls, name: str, document: Any) -> Pool:
        """Read what `to_document` made, or Airflow.

        Raises:
            UsageError: it is no such document; says what is wrong.
        """
        fields = document if isinstance(document, dict) else {}
        slots, description = fields.get("slots"), fields.get("description")
        include_deferred = fields.get("include_deferred", False)
        if not isinstance(slots, int) or isinstance(slots, bool):
            raise UsageError(
                f'pool {name!r} has no whole number of slots; write it as {{"slots": 5}}, not {document!r}'
            )
        if not isinstance(description, str | None) or not isinstance(include_deferred, bool):
            raise UsageError(
                f"pool {name!r} is not understood; description is a text, include_deferred a bool"
            )
        return cls(name, slots, description or None, include_deferred)

"""Proof that rare paths were taken: a simulation that never reached one has shown nothing about it."""

from __future__ import annotations

from collections import Counter

import attrs


@attrs.define
class Sometimes:
    """Counts how often named conditions held; share one among all examples of a property."""

    counts: Counter[str] = attrs.field(factory=Counter)

    def note(self, condition: object, name: str) -> None:
        """Count `name` if the condition holds."""
        self.counts[name] += bool(condition)

    def check(self, *names: str) -> None:
        """Raise an `AssertionError` unless each of these held at least once."""
        never = [name for name in names if not self.counts[name]]
        assert not never, f"never reached: {never}; reached: {dict(self.counts)}"

"""`literal`: a value that is no template, whatever it looks like."""

from __future__ import annotations

from typing import Any

import attrs

from flowcore.sdk.references import Lookup, Reference


@attrs.frozen
class LiteralValue(Reference):
    """Stands for `value` in a template field; nothing in it is rendered or replaced."""

    value: Any

    def resolve(self, lookup: Lookup) -> Any:
        """The value, as the author wrote it."""
        return self.value


#: How authors write it.
literal = LiteralValue

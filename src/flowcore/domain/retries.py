"""placeholder: see contract"""

from __future__ import annotations

import attrs


@attrs.frozen
class RetryRule:
    """How long to wait before the next try (seconds)."""

    delay_s: float = 300.0
    multiplier: float = 0.0
    max_delay_s: float | None = None

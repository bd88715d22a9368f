"""How long to wait before trying again: longer each time, and never in step with others."""

from __future__ import annotations

import random
from collections.abc import Iterator


def pauses(first_s: float, *, longest_s: float, factor: float = 2.0) -> Iterator[float]:
    """Endless pauses in seconds, growing by `factor` up to `longest_s`, each varied by half."""
    pause_s = first_s
    while True:
        yield pause_s * random.uniform(0.5, 1.5)
        pause_s = min(pause_s * factor, longest_s)

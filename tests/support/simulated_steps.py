"""How much was simulated: each test notes its seed, steps and CPU time, and the session tells the sum."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

_NOTE = "simulated"


@pytest.fixture
def note_steps(record_property: Callable[[str, object], None]) -> Callable[[object, int], None]:
    """Notes, when called at the end of a test, its seed and how many steps it took."""
    began = time.process_time()

    def note(seed: object, steps: int) -> None:
        record_property(_NOTE, (str(seed), steps, time.process_time() - began))

    return note


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Tell what the tests of all workers have noted."""
    reports = terminalreporter.getreports("passed") + terminalreporter.getreports("failed")
    noted = [value for report in reports for name, value in report.user_properties if name == _NOTE]
    if noted:
        seeds, steps, seconds = zip(*noted, strict=True)
        terminalreporter.write_line(
            f"simulated {sum(steps):,} steps, {sum(steps) / sum(seconds):,.0f} per second of CPU time;"
            f" seeds: {', '.join(sorted(seeds))}"
        )

"""Tests give up late: a limit of time is for what hangs, and a busy machine does not reach it."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
PATIENCE_S = 20.0
#: Waits that fail the test when they are over.
LIMIT = re.compile(r"(?:\bfail_after|\.wait|\.join)\(([\d.]+)\)")


def test_no_wait_fails_on_a_busy_machine():
    found = [
        f"{path.relative_to(TESTS)}:{number}: {line.strip()}"
        for path in sorted(TESTS.rglob("*.py"))
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if any(float(limit) < PATIENCE_S for limit in LIMIT.findall(line))
    ]
    assert found == []

"""`make demo` shows the ETL's result."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.skipif(not (ROOT / ".venv/bin/flowcore").exists(), reason="`make setup` was not run")
def test_demo_runs_the_etl_through_the_scheduler():
    done = subprocess.run([ROOT / "scripts/demo"], capture_output=True, text=True, check=True, timeout=250)
    assert "etl publish -1 2 success" in " ".join(done.stdout.split())
    assert done.stdout.endswith("coldest: december, warmest: august\n")

"""The floor: what the same PostgreSQL does in the same minutes, by its own pgbench."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path


def pgbench_rate(binaries: Path, url: str, *, clients: int, seconds: int = 4) -> float:
    """Transactions per second of pgbench's simple update; the tables are made if they are absent."""
    pgbench = str(binaries / "pgbench")
    subprocess.run([pgbench, "-i", "-q", "-s", "10", url], check=True, capture_output=True)
    done = subprocess.run(
        [pgbench, "-N", "-M", "prepared", "-c", str(clients), "-j", "2", "-T", str(seconds), url],
        check=True,
        capture_output=True,
        text=True,
    )
    found = re.search(r"tps = ([0-9.]+)", done.stdout)
    assert found, done.stdout
    return float(found[1])

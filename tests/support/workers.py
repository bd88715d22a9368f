"""How many workers `pytest -n auto` starts: the tests wait so much that two share a processor well.

Each worker is a pytest session of its own, with a PostgreSQL server and temporary folders of its own, and
looks for the secrets that it planted itself in what it leaves behind.
"""

from __future__ import annotations

import os
import sys

import pytest

WORKERS_MAX = 16


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    return min(2 * _processors(), WORKERS_MAX)


def _processors() -> int:
    """Those that we may use, which in a container may be few of many."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

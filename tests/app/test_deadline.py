from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow


def status_of(program: str) -> int:
    """Run a program that uses `deadline` and then hangs for ever; its exit status."""
    head = "import time; from flowcore.app.deadline import Deadline; deadline = Deadline()\n"
    tail = "\nwhile True: time.sleep(60)"
    return subprocess.run([sys.executable, "-c", head + program + tail], check=False, timeout=120).returncode


def test_process_that_hangs_is_ended():
    assert status_of("deadline.set(0.01)") == 3


@pytest.mark.parametrize(("first", "second"), [("0.01", "3600"), ("3600", "0.01")])
def test_of_several_deadlines_the_first_counts(first, second):
    assert status_of(f"deadline.set({first}); deadline.set({second})") == 3


def test_process_ends_although_its_log_hangs():
    # Whoever wants to log waits for this lock, as behind somebody who writes to a full pipe.
    hanging_log = "import logging; logging.basicConfig(); logging.root.handlers[0].acquire()"
    assert status_of(f"{hanging_log}; deadline.set(0.01)") == 3

"""A `flowcore scheduler` that was started as a process of its own, and the waiting for what it does."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import attrs

#: How long anything may take that a test waits for; generous, because machines are busy.
PATIENCE_S = 30.0


def wait_until(happened: Callable[[], bool], what: str) -> None:
    """Look until it has happened."""
    deadline = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < deadline, f"{what} did not happen within {PATIENCE_S:g} s"
        time.sleep(0.02)


@attrs.frozen
class Scheduler:
    """A `flowcore scheduler` that was started; its log is in a file."""

    process: subprocess.Popen[bytes]
    log: Path

    def says(self, text: str) -> bool:
        return text in self.log.read_text()

    def wait_until_ready(self) -> None:
        wait_until(lambda: self.says("are scheduled") or self.process.poll() is not None, "the start")
        assert self.process.poll() is None, self.log.read_text()

    def stop(self, *signals: signal.Signals) -> tuple[int, float]:
        """Send the signals, one after the other is logged; the exit status and the seconds it took."""
        began = time.monotonic()
        for count, number in enumerate(signals, start=1):
            self.process.send_signal(number)
            if count < len(signals):
                wait_until(lambda: self.says(number.name), "the signal")  # noqa: B023
        status = self.process.wait(PATIENCE_S)
        return status, time.monotonic() - began

    def offspring(self) -> Sequence[int]:
        """The processes of its session, which is all that it ever started."""
        stats = [path.read_text() for path in Path("/proc").glob("[0-9]*/stat")]
        fields = [(stat.split()[0], stat.rpartition(")")[2].split()) for stat in stats]
        # Of a zombie nothing is left but its status, which only its parent can take away.
        return [int(pid) for pid, rest in fields if int(rest[3]) == self.process.pid and rest[0] != "Z"]

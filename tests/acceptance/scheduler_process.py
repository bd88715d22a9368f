"""A `flowcore scheduler` that was started as a process of its own, and the waiting for what it does."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import attrs

from flowcore.runner.processes import linux

#: By this variable of their environment, a scheduler's processes are known.
FAMILY = "ACCEPTANCE_FAMILY"
#: How long anything may take that a test waits for; generous, because machines are busy.
PATIENCE_S = 60.0


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

    def stop(self, *signals: signal.Signals) -> int:
        """Send the signals, one after the other is logged, and wait for the end; the exit status."""
        for count, number in enumerate(signals, start=1):
            self.process.send_signal(number)
            if count < len(signals):
                wait_until(lambda: self.says(number.name), "the signal")  # noqa: B023
        return self.process.wait(PATIENCE_S)

    def wait_until_alone(self) -> None:
        """Wait until nothing of what it has started is left."""
        wait_until(lambda: self.offspring() == [], "the end of its processes")

    def offspring(self) -> Sequence[int]:
        """The processes that it has started, directly or not, and that have not ended."""
        return [pid for pid in linux.processes_with(FAMILY, str(self.log)) if pid != self.process.pid]

    def generations(self) -> Mapping[int, Sequence[int]]:
        """The same by how many processes stand between: 1 for those that it has started itself."""
        parents = {pid: _parent(pid) for pid in self.offspring()}
        found: dict[int, list[int]] = {}
        for pid in parents:
            line = [pid]
            while line[-1] in parents:
                line.append(parents[line[-1]])
            if line[-1] == self.process.pid:
                found.setdefault(len(line) - 1, []).append(pid)
        return found


def _parent(pid: int) -> int:
    """Of a process that has ended, 0."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0

"""`TryLogFile`: the log of one try in the folder of all logs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from flowcore.domain.workloads import TryOutcome, Workload
from flowcore.runner.endings import Ending
from flowcore.runner.logs.files import LogSink
from flowcore.runner.logs.lines import log_line
from flowcore.runner.logs.paths import log_path

_LOGGER = "flowcore.try"
_FAILED = {TryOutcome.FAILED: "failed", TryOutcome.FAILED_FOR_GOOD: "failed for good"}


class TryLogFile:
    """Made for each try; the file is made when something is said."""

    def __init__(self, files: LogSink, workload: Workload) -> None:
        self._files, self._path = files, log_path(workload)

    def add(self, lines: Iterable[str]) -> None:
        """Write lines (`log_lines`); see `LogSink.add`."""
        self._files.add(self._path, lines)

    def note_end(self, ending: Ending, *, now: datetime) -> None:
        """Write down what went wrong, if anything did: whoever reads the log looks for it there."""
        if ending.outcome in _FAILED:
            event = f"the try {_FAILED[ending.outcome]}"
            self.add([log_line("error", _LOGGER, event, at=now.timestamp(), exception=ending.error or "")])

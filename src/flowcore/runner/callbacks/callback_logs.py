"""`CallbackLog`: what callbacks of a Dag log and print for a run, in one file in the folder of the run."""

from __future__ import annotations

from collections.abc import Iterable

from flowcore.clock import Clock
from flowcore.domain.dag_callbacks import DagCallback
from flowcore.runner.logs.files import LogSink
from flowcore.runner.logs.lines import log_line, printed_line
from flowcore.runner.logs.paths import callbacks_path

_LOGGER = "flowcore.callbacks"


class CallbackLog:
    """Made for each call; without `files` nothing is written."""

    def __init__(self, files: LogSink | None, callback: DagCallback, clock: Clock) -> None:
        self._files, self._clock = files, clock
        self._path = callbacks_path(callback.run.dag_id, callback.run.run_id)

    def add(self, lines: Iterable[str]) -> None:
        """Write lines (`log_lines`); see `LogSink.add`."""
        if self._files is not None:
            self._files.add(self._path, lines)

    async def write(self, lines: Iterable[str]) -> None:
        """The same on the event loop; waits while too much is waiting to be written."""
        self.add(lines)
        if self._files is not None:
            await self._files.room()

    async def printed(self, stream: str, lines: Iterable[str]) -> None:
        """Write what was printed to `log_lines.STDOUT` or `STDERR`."""
        at = self._clock.now().timestamp()
        await self.write([printed_line(stream, line, at=at) for line in lines])

    def note_problem(self, problem: str) -> None:
        """Write down what went wrong."""
        self.add([log_line("error", _LOGGER, problem, at=self._clock.now().timestamp())])

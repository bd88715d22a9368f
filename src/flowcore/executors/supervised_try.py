"""`SupervisedTry`: one try in a child, seen from the scheduler's process: its answers, log and reports."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from flowcore.domain.workloads import Workload
from flowcore.errors import UsageError
from flowcore.executors.try_reports import TryReports
from flowcore.runner.answers import Answers
from flowcore.runner.endings import Ending
from flowcore.runner.logs.files import LogSink
from flowcore.runner.logs.lines import log_line, printed_line
from flowcore.runner.logs.try_files import TryLogFile
from flowcore.sdk.comms.messages import Answer, LogLines, MaskSecrets, Notice, Request, TryBegun, TryOver
from flowcore.secrets.masking import PROCESS

log = logging.getLogger(__name__)


class SupervisedTry:
    """What all kinds of children have in common.

    Args:
        answers: Answers the requests of the try.
        reports: Tells the scheduler.
        files: Where its log is written; None: nowhere.
    """

    def __init__(self, answers: Answers, reports: TryReports, files: LogSink | None) -> None:
        self._answers, self._reports, self._files = answers, reports, files
        self._file = TryLogFile(files, reports.workload) if files else None
        self.said: Ending | None = None

    @property
    def workload(self) -> Workload:
        return self._reports.workload

    @property
    def has_begun(self) -> bool:
        """Whether the author's code has begun, in this child or an earlier one."""
        return self._reports.started_at is not None

    async def answer(self, request: Request[Any]) -> Answer:
        """Answer a request of the try.

        Raises:
            FlowcoreError: it failed, or the try is over.
        """
        if self._reports.is_ended:
            raise UsageError(f"{self.workload} is over; what goes on in its process is ignored")
        return await self._answers.answer(request)

    async def take(self, notice: Notice) -> None:
        """Take what the child says."""
        self._reports.notice(notice)
        match notice:
            case TryBegun():
                self._reports.report_start()
            case TryOver(outcome, xcoms, error, effects, reschedule_at, updates, advice):
                masked = error and PROCESS.mask(error)
                self.said = Ending(outcome, xcoms, masked, effects, reschedule_at, updates, advice)
            case MaskSecrets(secrets):
                PROCESS.add(secrets)
            case LogLines(lines):
                await self.log(lines)

    async def printed(self, stream: str, lines: Iterable[str]) -> None:
        """Write what the try, or what it has started, printed to `log_lines.STDOUT` or `STDERR`."""
        at = self._reports.clock.now().timestamp()
        await self.log([printed_line(stream, line, at=at) for line in lines])

    async def log(self, lines: Iterable[str]) -> None:
        """Write to the log of the try; waits while too much is waiting to be written."""
        if self._file is not None and self._files is not None:
            self._file.add(lines)
            await self._files.room()

    def warn(self, event: str) -> None:
        """Write a warning of our own to the log of the try, and to that of the scheduler."""
        log.warning("%s: %s", self.workload, event)
        if self._file is not None:
            at = self._reports.clock.now().timestamp()
            self._file.add([log_line("warning", __name__, event, at=at)])

    def end(self, ending: Ending) -> None:
        """Report the end of the try."""
        if self._file is not None:
            self._file.note_end(ending, now=self._reports.clock.now())
        self._reports.report_end(ending)

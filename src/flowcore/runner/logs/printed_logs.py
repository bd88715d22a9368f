"""`PrintedLogs`: what tries in processes of their own say, on the terminal of who runs them by hand."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from flowcore.runner.logs.lines import STDERR, STDOUT
from flowcore.runner.logs.paths import task_of_log
from flowcore.secrets.masking import PROCESS


class PrintedLogs:
    """Implements `log_files.LogSink`: prints lines as a task in this process would have printed them."""

    def __init__(self, mask: Callable[[str], str] = PROCESS.mask) -> None:
        self._mask = mask

    def add(self, path: Path, lines: Iterable[str]) -> None:
        for line in lines:
            fields = json.loads(line)
            stream = sys.stdout if fields["logger"] == STDOUT else sys.stderr
            print(self._mask(_text_of(fields, path)), file=stream)

    async def room(self) -> None:
        """Return at once: who runs tries by hand waits for the terminal."""


def _text_of(fields: dict[str, Any], path: Path) -> str:
    if fields["logger"] in (STDOUT, STDERR):
        return str(fields["event"])
    said = f"{fields['level'].upper()} {task_of_log(path)} {fields['logger']}: {fields['event']}"
    return f"{said}\n{fields['exception']}" if "exception" in fields else said

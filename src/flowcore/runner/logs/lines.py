"""One line of a try's log is the text of a JSON object: `timestamp`, `level`, `logger`, `event`.

`exception`, if there is one, is a traceback. What is printed is logged by `task.stdout` and `task.stderr`.
"""

from __future__ import annotations

import json
import logging
import traceback
from datetime import UTC, datetime

from flowcore.secrets.masking import PROCESS

#: Longer texts are cut, so that a line can be sent and read whole.
EVENT_LENGTH_MAX = 64 * 1024

STDOUT, STDERR = "task.stdout", "task.stderr"
_LEVELS = {STDOUT: "info", STDERR: "error"}


def log_line(level: str, logger: str, event: str, *, at: float, exception: str = "") -> str:
    """The line of an event at the time `at`, in seconds since the epoch."""
    moment = datetime.fromtimestamp(at, UTC)
    fields = {
        "timestamp": moment.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "level": level,
        "logger": logger,
        "event": _cut(event),
    }
    if exception:
        fields["exception"] = _cut(exception)
    return json.dumps(fields, ensure_ascii=False)


def printed_line(stream: str, text: str, *, at: float) -> str:
    """The line of a line that was printed to `STDOUT` or `STDERR`."""
    return log_line(_LEVELS[stream], stream, text, at=at)


def record_line(record: logging.LogRecord) -> str:
    """The line of what was logged; never raises, for that would be the fault of whoever logged it."""
    try:
        event = record.getMessage()
    except Exception as error:
        event = f"{record.msg!r} cannot be formatted with {record.args!r}: {error}"
    return log_line(
        record.levelname.lower(), record.name, event, at=record.created, exception=_exception_of(record)
    )


def _exception_of(record: logging.LogRecord) -> str:
    parts = [record.exc_text] if record.exc_text else []
    if not parts and record.exc_info and record.exc_info[0] is not None:
        parts.append("".join(traceback.format_exception(*record.exc_info)).rstrip())
    if record.stack_info:
        parts.append(record.stack_info)
    return "\n".join(parts)


def _cut(text: str) -> str:
    if len(text) <= EVENT_LENGTH_MAX:
        return text
    text = PROCESS.mask(text)  # half a secret would not be known as one
    return f"{text[:EVENT_LENGTH_MAX]}… ({len(text) - EVENT_LENGTH_MAX} more characters)"

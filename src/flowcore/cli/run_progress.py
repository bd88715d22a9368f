"""The progress of a run on a terminal: one line that is redrawn, or a line a change elsewhere."""

from __future__ import annotations

from collections import Counter
from typing import Protocol, TextIO

from flowcore.app import RunEvent
from flowcore.domain.states import FINISHED

#: Back to the start of the line, and clear it.
_REDRAW = "\r\x1b[K"


class Progress(Protocol):
    """Shows what happens in a run."""

    def show(self, event: RunEvent) -> None:
        """A task instance, or the run itself, is in another state."""
        ...

    def close(self) -> None:
        """Nothing more will happen."""
        ...


def progress_on(stream: TextIO, *, tasks: int) -> Progress:
    """The way to show the progress of a run of `tasks` tasks that suits `stream`."""
    return RedrawnProgress(stream, tasks) if stream.isatty() else PrintedProgress(stream)


class PrintedProgress:
    """A line for each change."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def show(self, event: RunEvent) -> None:
        print(f"{event.at:%H:%M:%S} {_name(event)}: {event.state}", file=self._stream, flush=True)

    def close(self) -> None:
        """Every line is written already."""


class RedrawnProgress:
    """One line: how many task instances are in which state."""

    def __init__(self, stream: TextIO, tasks: int) -> None:
        self._stream, self._tasks = stream, tasks
        self._states: dict[tuple[str, int], str] = {}

    def show(self, event: RunEvent) -> None:
        if event.task_id is not None:
            self._states[event.task_id, event.map_index] = str(event.state)
        self._stream.write(f"{_REDRAW}{self._summary()}")
        self._stream.flush()

    def close(self) -> None:
        self._stream.write(_REDRAW)
        self._stream.flush()

    def _summary(self) -> str:
        counts = Counter(self._states.values())
        done = sum(counts[state] for state in FINISHED)
        parts = [f"{count} {state}" for state, count in sorted(counts.items())]
        # A mapped task is more than one task instance, which is found out on the way.
        return f"{done}/{max(self._tasks, len(self._states))} done: {', '.join(parts)}"


def _name(event: RunEvent) -> str:
    if event.task_id is None:
        return "Dag run"
    return event.task_id if event.map_index < 0 else f"{event.task_id}[{event.map_index}]"

from __future__ import annotations

import io
from datetime import UTC, datetime

from flowcore.app import RunEvent
from flowcore.cli.run_progress import PrintedProgress, RedrawnProgress, progress_on
from flowcore.domain.states import DagRunState, TaskInstanceState

AT = datetime(2026, 3, 1, 6, tzinfo=UTC)


class Terminal(io.StringIO):
    """Shows what was written to it as a terminal would: a line that is redrawn counts once."""

    def isatty(self) -> bool:
        return True

    @property
    def line(self) -> str:
        return self.getvalue().rpartition("\x1b[K")[2]


def event(task_id: str | None, state: TaskInstanceState | DagRunState, *, map_index: int = -1) -> RunEvent:
    return RunEvent(task_id, map_index, state, AT)


def test_a_terminal_is_redrawn_and_a_file_is_not() -> None:
    assert isinstance(progress_on(Terminal(), tasks=1), RedrawnProgress)
    assert isinstance(progress_on(io.StringIO(), tasks=1), PrintedProgress)


def test_a_file_gets_a_line_a_change() -> None:
    file = io.StringIO()
    progress = PrintedProgress(file)
    progress.show(event("load", TaskInstanceState.RUNNING, map_index=3))
    progress.show(event(None, DagRunState.SUCCESS))
    assert file.getvalue() == "06:00:00 load[3]: running\n06:00:00 Dag run: success\n"


def test_a_terminal_shows_how_far_the_run_is() -> None:
    terminal = Terminal()
    progress = RedrawnProgress(terminal, 3)
    progress.show(event("extract", TaskInstanceState.RUNNING))
    progress.show(event("extract", TaskInstanceState.SUCCESS))
    progress.show(event("load", TaskInstanceState.RUNNING))
    assert terminal.line == "1/3 done: 1 running, 1 success"


def test_mapped_task_instances_count_one_by_one() -> None:
    terminal = Terminal()
    progress = RedrawnProgress(terminal, 1)
    for index in range(3):
        progress.show(event("load", TaskInstanceState.SUCCESS, map_index=index))
    assert terminal.line == "3/3 done: 3 success"


def test_the_line_is_cleared_at_the_end() -> None:
    terminal = Terminal()
    progress = RedrawnProgress(terminal, 1)
    progress.show(event("extract", TaskInstanceState.RUNNING))
    progress.close()
    assert terminal.line == ""

from __future__ import annotations

from pathlib import Path

from flowcore.runner.logs.lines import STDERR, STDOUT, log_line, printed_line
from flowcore.runner.logs.printed_logs import PrintedLogs

PATH = Path("dag_id=d/run_id=r/task_id=my task/map_index=3/attempt=1.log")


def test_lines_are_printed_as_the_task_said_them(capsys):
    lines = [printed_line(STDOUT, "out", at=0), printed_line(STDERR, "err", at=0)]
    PrintedLogs().add(PATH, [*lines, log_line("error", "mine", "oh", at=0, exception="ValueError: bug")])
    shown = capsys.readouterr()
    assert shown.out == "out\n"
    assert shown.err == "err\nERROR my task[3] mine: oh\nValueError: bug\n"


def test_secrets_are_masked(capsys):
    PrintedLogs(mask=lambda text: text.replace("secret", "***")).add(
        PATH, [printed_line(STDOUT, "a secret", at=0)]
    )
    assert capsys.readouterr().out == "a ***\n"


async def test_there_is_always_room():
    await PrintedLogs().room()

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flowcore.runner.logs.lines import log_line
from flowcore.runner.logs.paths import task_instance_folder
from tests.cli.conftest import Flowcore, error_of

ERROR = log_line("error", "mine", "it failed", at=0, exception="Traceback\nValueError: bug")


@pytest.fixture
def written(folder: Path) -> Path:
    """The folder of a task instance with two tries."""
    logs = folder / "logs" / task_instance_folder("etl", "first", "extract")
    logs.mkdir(parents=True)
    (logs / "attempt=1.log").write_text("")
    (logs / "attempt=2.log").write_text(f"{ERROR}\nno json\n")
    return logs


def test_the_last_try_is_shown(flowcore: Flowcore, written: Path) -> None:
    assert flowcore("tasks", "logs", "etl", "first", "extract").stdout.splitlines() == [
        "1970-01-01T00:00:00.000000Z ERROR mine: it failed",
        "Traceback",
        "ValueError: bug",
        "no json",
    ]


def test_a_try_can_be_chosen(flowcore: Flowcore, written: Path) -> None:
    assert flowcore("tasks", "logs", "etl", "first", "extract", "--try", "1").stdout == ""


def test_lines_are_printed_as_json(flowcore: Flowcore, written: Path) -> None:
    shown = flowcore("tasks", "logs", "etl", "first", "extract", "--json").stdout
    assert json.loads(shown.splitlines()[0])["event"] == "it failed"


def test_an_element_of_a_mapped_task_has_its_own(flowcore: Flowcore, written: Path) -> None:
    (written / "map_index=3").mkdir()
    (written / "map_index=3" / "attempt=1.log").write_text("three\n")
    assert flowcore("tasks", "logs", "etl", "first", "extract", "--map-index", "3").stdout == "three\n"


def test_a_try_without_a_log_is_an_error(flowcore: Flowcore, written: Path) -> None:
    shown = error_of(flowcore("tasks", "logs", "etl", "first", "extract", "--try", "3"))
    assert shown == "error: there is no log of try 3, only of 1, 2"


def test_a_task_instance_without_a_log_is_an_error(flowcore: Flowcore) -> None:
    shown = error_of(flowcore("tasks", "logs", "etl", "first", "load"))
    assert shown.startswith("error: there is no log in ")
    assert shown.endswith("said nothing, or its scheduler has another logs_folder")

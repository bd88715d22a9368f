from __future__ import annotations

import pytest

from flowcore.cli.failures import FAILED, UNUSABLE_INPUT, report_failure
from flowcore.errors import (
    DagCycle,
    DagNotFound,
    DatabaseOutOfDate,
    DatabaseUnavailable,
    FlowcoreError,
    InvariantBroken,
)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (DagCycle("etl", ("a", "b")), UNUSABLE_INPUT),
        (DagNotFound("etl"), UNUSABLE_INPUT),
        (DatabaseOutOfDate("old"), UNUSABLE_INPUT),
        (DatabaseUnavailable("away"), UNUSABLE_INPUT),
        (InvariantBroken("odd"), FAILED),
    ],
)
def test_the_exit_status_says_whose_fault_it_is(error: FlowcoreError, status: int) -> None:
    assert report_failure(error) == status


def test_a_message_of_several_lines_becomes_one(capsys: pytest.CaptureFixture[str]) -> None:
    report_failure(DatabaseUnavailable("no answer\n  from host"))
    assert capsys.readouterr().err == "error: no answer from host\n"


def test_a_group_is_told_error_by_error_but_nothing_twice(capsys: pytest.CaptureFixture[str]) -> None:
    inner = ExceptionGroup("", [DatabaseUnavailable("away"), DatabaseUnavailable("away")])
    assert report_failure(ExceptionGroup("", [inner, InvariantBroken("odd")])) == FAILED
    assert capsys.readouterr().err == "error: away\nerror: odd\n"


def test_an_accident_is_not_taken_for_a_failure_on_purpose() -> None:
    accident = ExceptionGroup("", [DatabaseUnavailable("away"), ZeroDivisionError()])
    with pytest.raises(ExceptionGroup) as caught:
        report_failure(accident)
    assert caught.value is accident

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from flowcore.cli.output import print_json, print_rows
from flowcore.domain.states import DagRunState

MOMENT = datetime(2026, 3, 1, 6, 0, 0, 250000, tzinfo=UTC)


def test_a_table_has_a_line_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows([{"id": "007", "at": MOMENT, "state": DagRunState.QUEUED, "end": None}], "table")
    header, _, row = capsys.readouterr().out.splitlines()
    assert header.split() == ["id", "at", "state", "end"]
    assert row.split() == ["007", "2026-03-01", "06:00:00+00:00", "queued"]


def test_columns_are_aligned_and_a_row_stays_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows([{"a": "1", "note": "two\nlines"}, {"a": "long", "note": None}], "table")
    assert capsys.readouterr().out.splitlines() == [
        "a     note",
        "----  ---------",
        "1     two lines",
        "long",
    ]


def test_json_keeps_types(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows([{"n": 1, "at": MOMENT, "state": DagRunState.QUEUED, "end": None, "name": "Dör"}], "json")
    assert json.loads(capsys.readouterr().out) == [
        {"n": 1, "at": "2026-03-01T06:00:00.250000+00:00", "state": "queued", "end": None, "name": "Dör"}
    ]


def test_no_rows_are_an_empty_array(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows([], "json")
    assert capsys.readouterr().out == "[]\n"


def test_what_has_no_json_form_is_refused() -> None:
    with pytest.raises(TypeError, match="has no JSON form"):
        print_json({"value": object()})

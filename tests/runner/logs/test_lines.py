from __future__ import annotations

import json
import logging
import sys

from flowcore.runner.logs.lines import EVENT_LENGTH_MAX, STDERR, log_line, printed_line, record_line
from flowcore.secrets.masking import PROCESS

AT = 1704164645.25


def record_of(message, *args, **fields):
    return logging.LogRecord("my.logger", logging.WARNING, "file.py", 1, message, args, None, **fields)


def test_line_is_a_json_object_in_utc():
    assert json.loads(log_line("info", "a", "grüße\n☃", at=AT)) == {
        "timestamp": "2024-01-02T03:04:05.250000Z",
        "level": "info",
        "logger": "a",
        "event": "grüße\n☃",
    }


def test_line_is_one_line():
    assert "\n" not in log_line("info", "a", "b\nc\r\n", at=AT, exception="d\ne")


def test_record_becomes_a_line_with_its_arguments():
    line = json.loads(record_line(record_of("%d of %s", 1, "two")))
    assert (line["level"], line["logger"], line["event"]) == ("warning", "my.logger", "1 of two")


def test_record_with_wrong_arguments_is_logged_nevertheless():
    assert "'%d' cannot be formatted with ('x',)" in json.loads(record_line(record_of("%d", "x")))["event"]


def test_traceback_is_kept():
    try:
        raise ValueError("bug")
    except ValueError:
        record = record_of("oh")
        record.exc_info = sys.exc_info()
    record.stack_info = "the stack"
    exception = json.loads(record_line(record))["exception"]
    assert exception.startswith("Traceback")
    assert exception.endswith("ValueError: bug\nthe stack")


def test_errors_are_what_is_printed_to_standard_error():
    assert json.loads(printed_line(STDERR, "oh", at=AT))["level"] == "error"


def test_endless_text_is_cut():
    event = json.loads(log_line("info", "a", "x" * (EVENT_LENGTH_MAX + 7), at=AT))["event"]
    assert event.endswith("x… (7 more characters)")


def test_what_is_cut_shows_no_half_of_a_secret():
    PROCESS.add(["planted-where-it-is-cut"])
    line = log_line("info", "a", "x" * (EVENT_LENGTH_MAX - 10) + "planted-where-it-is-cut", at=AT)
    assert "planted" not in line

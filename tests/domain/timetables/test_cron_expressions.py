from __future__ import annotations

import re
from datetime import datetime
from itertools import islice

import pytest

from flowcore.domain.timetables.cron_expressions import PRESETS, parse_cron
from flowcore.errors import DagError


def wall(text):
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(("preset", "expression"), PRESETS.items())
def test_presets_stand_for_expressions(preset, expression):
    assert parse_cron(preset) == parse_cron(expression)


def test_presets_may_be_written_in_capitals():
    assert parse_cron("@Daily").text == "0 0 * * *"


@pytest.mark.parametrize("text", ["0 0 30 2 *", "0 0 31 4,6 *", "0 0 31 FEB ?"])
def test_expression_that_never_fires_is_refused(text):
    with pytest.raises(DagError, match="and days that the months have"):
        parse_cron(text)


@pytest.mark.parametrize("text", ["0 0 1 13 0", "@fortnightly", "0 0 * * L", "every day"])
def test_refusal_names_the_expression(text):
    with pytest.raises(DagError, match=re.escape(f"the cron expression {text!r} is wrong")):
        parse_cron(text)


@pytest.mark.parametrize("text", ["0 0 29 2 *", "0 0 * 2 MON#5", "0 0 31 2 MON", "0 0 L 2 *"])
def test_expression_that_fires_now_and_then_is_accepted(text):
    assert parse_cron(text).text == text


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("0 0 1 * MON", ["2024-01-08", "2024-01-15", "2024-01-22", "2024-01-29", "2024-02-01"]),
        ("0 0 */14 * MON", ["2024-01-08", "2024-01-15", "2024-01-22", "2024-01-29", "2024-02-01"]),
        ("0 0 * * MON", ["2024-01-08", "2024-01-15", "2024-01-22", "2024-01-29", "2024-02-05"]),
        ("0 0 L * *", ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30", "2024-05-31"]),
        ("0 0 * * L5", ["2024-01-26", "2024-02-23", "2024-03-29", "2024-04-26", "2024-05-31"]),
    ],
)
def test_either_day_field_matches_when_both_are_restricted(text, times):
    found = islice(parse_cron(text).times_after(wall("2024-01-01")), 5)
    assert [f"{time:%Y-%m-%d}" for time in found] == times


def test_times_before_descend():
    found = parse_cron("0 */12 * * *").times_before(wall("2024-01-02T12:00"))
    assert [*islice(found, 2)] == [wall("2024-01-02T00:00"), wall("2024-01-01T12:00")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("5 * * * *", True), ("5 0-23 * * *", True), ("5 */1 * * *", True), ("5 */2 * * *", False)],
)
def test_expression_knows_whether_it_covers_every_hour(text, expected):
    assert parse_cron(text).covers_every_hour is expected

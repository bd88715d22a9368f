from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from flowcore.errors import DagError
from flowcore.sdk import (
    DayWindow,
    HourWindow,
    MonthWindow,
    QuarterWindow,
    SegmentWindow,
    WeekWindow,
    Window,
    YearWindow,
)

START = datetime(2024, 3, 1)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("window", "count", "last", "first_backward"),
    [
        (HourWindow, 60, START + timedelta(minutes=59), START - timedelta(minutes=59)),
        (DayWindow, 24, START + timedelta(hours=23), START - timedelta(hours=23)),
        (WeekWindow, 7, START + timedelta(days=6), START - timedelta(days=6)),
        (QuarterWindow, 3, START.replace(month=5), START.replace(month=1)),
        (YearWindow, 12, START.replace(year=2025, month=2), START.replace(year=2023, month=4)),
    ],
)
def test_a_window_begins_or_ends_with_its_period(window, count, last, first_backward):
    parts = window().to_upstream(START)
    assert (len(parts), parts[0], parts[-1]) == (count, START, last)
    parts = window(direction=Window.Direction.BACKWARD).to_upstream(START)
    assert (len(parts), parts[0], parts[-1]) == (count, first_backward, START)


def test_a_month_has_all_its_days():
    assert len(MonthWindow().to_upstream(START.replace(month=2))) == 29
    backward = MonthWindow(direction="backward").to_upstream(START)
    assert (backward[0], backward[-1]) == (START.replace(month=2, day=2), START)


def test_months_begin_on_the_first():
    with pytest.raises(ValueError, match="no first of a month"):
        YearWindow().to_upstream(START.replace(day=2))


@pytest.mark.parametrize("segments", ["us", [], [""], [3]])
def test_segments_are_keys(segments):
    with pytest.raises(DagError, match="give it a list of keys"):
        SegmentWindow(segments)

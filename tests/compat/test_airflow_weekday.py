from __future__ import annotations

import pytest

from flowcore.compat.airflow_weekday import WeekDay


def test_days_are_named_in_whatever_case_and_number():
    assert WeekDay.validate_week_day("Monday") == {1}
    assert WeekDay.validate_week_day(["sunday", WeekDay.TUESDAY]) == {7, 2}


def test_other_days_are_refused():
    with pytest.raises(AttributeError, match="'Blursday' is no day of the week; one of Monday"):
        WeekDay.validate_week_day("Blursday")

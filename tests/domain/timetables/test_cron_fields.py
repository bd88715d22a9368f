from __future__ import annotations

import pytest

from flowcore.domain.timetables.cron_fields import spell_out


@pytest.mark.parametrize(
    ("expression", "fields"),
    [
        ("* * * * *", "* * * * * 0"),
        ("5 4 * * *", "5 4 * * * 0"),
        ("* * * * * 30", "* * * * * 30"),
        ("1-3,7 * * * *", "1,2,3,7 * * * * 0"),
        ("*/20 * * * *", "0,20,40 * * * * 0"),
        ("10/20 * * * *", "10,30,50 * * * * 0"),
        ("10-40/15 * * * *", "10,25,40 * * * * 0"),
        ("* * ? * ?", "* * * * * 0"),
        ("* 22-1 * * *", "* 22,23,0,1 * * * 0"),
        ("* * * nov-feb *", "* * * 11,12,1,2 * 0"),
        ("* * * * fri-mon", "* * * * 5,6,0,1 0"),
        ("* * * * 5-1", "* * * * 5,6,0,1 0"),
        ("* * * * 7", "* * * * 0 0"),
        ("* * * * 5-7", "* * * * 5,6,0 0"),
        ("* * * * 0-7", "* * * * 0,1,2,3,4,5,6 0"),
        ("* * L,15 * *", "* * L,15 * * 0"),
        ("* * * * L5,2#1", "* * * * 5L,2#1 0"),
    ],
)
def test_spellings_mean_what_they_mean_to_airflow(expression, fields):
    assert spell_out(expression) == fields.split()


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("", "it has 0 fields"),
        ("* * *", "it has 3 fields"),
        ("* * * * * * *", "it has 7 fields"),
        ("60 * * * *", r"'60' is no minute \(0 to 59\)"),
        ("* * 0 * *", "'0' is no day of the month"),
        ("* * * 13 *", "'13' is no month"),
        ("* * * * 8", "'8' is no day of the week"),
        ("* ? * * *", r"'\?' is no hour"),
        ("*/0 * * * *", "'0' is no step"),
        ("*/x * * * *", "'X' is no step"),
        ("1- * * * *", "'' is no minute"),
        (", * * * *", "'' is no minute"),
        ("* * 15W * *", "'15W' is no day of the month"),
    ],
)
def test_nonsense_is_refused_with_the_reason(expression, reason):
    with pytest.raises(ValueError, match=reason):
        spell_out(expression)

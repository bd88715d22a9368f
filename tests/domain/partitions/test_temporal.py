from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowcore.sdk import (
    StartOfDayMapper,
    StartOfHourMapper,
    StartOfMonthMapper,
    StartOfQuarterMapper,
    StartOfWeekMapper,
    StartOfYearMapper,
)

MAPPERS = [
    *(StartOfHourMapper, StartOfDayMapper, StartOfWeekMapper),
    *(StartOfMonthMapper, StartOfQuarterMapper, StartOfYearMapper),
]


@pytest.mark.parametrize(
    ("mapper", "key", "date"),
    [
        (StartOfHourMapper(), "2024-03-13T10", datetime(2024, 3, 13, 10, tzinfo=UTC)),
        (StartOfDayMapper(), "2024-03-13", datetime(2024, 3, 13, tzinfo=UTC)),
        (StartOfWeekMapper(), "2024-03-11 (W11)", datetime(2024, 3, 11, tzinfo=UTC)),
        (StartOfMonthMapper(), "2024-03", datetime(2024, 3, 1, tzinfo=UTC)),
        (StartOfQuarterMapper(), "2024-Q1", datetime(2024, 1, 1, tzinfo=UTC)),
        (StartOfYearMapper(), "2024", datetime(2024, 1, 1, tzinfo=UTC)),
        (StartOfDayMapper(timezone="Asia/Taipei"), "2024-03-13", datetime(2024, 3, 12, 16, tzinfo=UTC)),
        (StartOfDayMapper(output_format="%d.%m.%y"), "13.03.24", datetime(2024, 3, 13, tzinfo=UTC)),
    ],
)
def test_a_time_becomes_the_beginning_of_its_period(mapper, key, date):
    assert mapper.to_downstream("2024-03-13T10:42:15") == key
    assert mapper.to_partition_date(key) == date


def test_a_key_with_an_offset_is_moved_to_the_zone():
    mapper = StartOfDayMapper(timezone="Asia/Taipei", input_format="%Y-%m-%dT%H:%M%z")
    assert mapper.to_downstream("2024-03-13T20:00+00:00") == "2024-03-14"
    assert mapper.encode_upstream(mapper.decode_downstream("2024-03-14")) == "2024-03-14T00:00+0800"


@pytest.mark.slow
@given(st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)), st.sampled_from(MAPPERS))  # noqa: DTZ001
def test_the_beginning_of_a_period_is_in_it(moment, cls):
    mapper = cls()
    key = mapper.to_downstream(mapper.encode_upstream(moment))
    start = mapper.decode_downstream(key)
    assert start <= moment
    assert mapper.to_downstream(mapper.encode_upstream(start)) == key


@pytest.mark.parametrize(
    ("mapper", "key"),
    [
        (StartOfWeekMapper(), "2024-03-11"),
        (StartOfWeekMapper(output_format="W%V"), "W11"),
        (StartOfQuarterMapper(), "2024-Q5"),
        (StartOfQuarterMapper(output_format="%Y"), "2024"),
        (StartOfDayMapper(), "2024-02-30"),
    ],
)
def test_a_malformed_key_is_refused(mapper, key):
    with pytest.raises(ValueError, match=r"written|has not|does not|day is out"):
        mapper.decode_downstream(key)

"""The retry delay has Airflow's numbers; the table was computed with its formula."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowcore.domain.retries import RetryRule, may_retry, retry_delay_s
from flowcore.errors import DagError

DATE = datetime(2024, 1, 1, tzinfo=UTC)

DOUBLING = RetryRule(30, multiplier=2)
CAPPED = RetryRule(300, multiplier=2, max_delay_s=3600)
NOTHING = RetryRule(0, multiplier=2)
HALF_AS_MUCH_AGAIN = RetryRule(10, multiplier=1.5)

AIRFLOW_WAITS = {
    1: (41, 521, 1, 11),
    2: (97, 817, 1, 22),
    3: (198, 1518, 1, 23),
    4: (261, 3600, 1, 49),
    5: (957, 3600, 1, 57),
    6: (985, 3600, 1, 97),
    8: (5361, 3600, 1, 192),
    10: (19460, 3600, 1, 435),
    12: (66717, 3600, 1, 1047),
}

rules = st.builds(
    RetryRule,
    delay_s=st.floats(0, 1e9),
    multiplier=st.floats(0, 100),
    max_delay_s=st.none() | st.floats(0, 1e6),
)


def delay_s(rule, try_number=1, *, logical_date=DATE):
    return retry_delay_s(rule, dag_id="d", task_id="t", logical_date=logical_date, try_number=try_number)


@pytest.mark.parametrize(("try_number", "waits"), AIRFLOW_WAITS.items())
def test_growing_delays_are_those_of_airflow(try_number, waits):
    rules = (DOUBLING, CAPPED, NOTHING, HALF_AS_MUCH_AGAIN)
    assert tuple(delay_s(rule, try_number) for rule in rules) == waits


@pytest.mark.parametrize("multiplier", [0, 1])
@pytest.mark.parametrize("try_number", [1, 7])
def test_delay_is_constant_without_a_multiplier(multiplier, try_number):
    assert delay_s(RetryRule(12.5, multiplier), try_number) == 12.5


def test_growing_delay_ends_at_a_day():
    assert delay_s(RetryRule(300, multiplier=2), 5_000) == 86_400


def test_constant_delay_may_be_longer_than_a_day():
    assert delay_s(RetryRule(200_000)) == 200_000


def test_no_delay_is_longer_than_dates_can_count():
    assert DATE + timedelta(seconds=delay_s(RetryRule(1e12))) < DATE + timedelta(days=4000)


def test_zero_as_longest_delay_means_no_delay():
    assert delay_s(RetryRule(300, max_delay_s=0)) == 0
    assert delay_s(RetryRule(300, multiplier=2, max_delay_s=0)) == 0


def test_constant_delay_is_limited_too():
    assert delay_s(RetryRule(300, max_delay_s=60)) == 60


def test_delay_depends_on_the_moment_not_on_its_time_zone():
    same = DATE.astimezone(timezone(timedelta(hours=5)))
    assert delay_s(DOUBLING, logical_date=same) == delay_s(DOUBLING)


def test_run_without_logical_date_has_a_delay():
    assert 30 <= delay_s(DOUBLING, logical_date=None) < 60


@pytest.mark.parametrize("wrong", [{"delay_s": -1}, {"multiplier": -2}, {"max_delay_s": -1}])
def test_negative_numbers_are_refused(wrong):
    with pytest.raises(DagError, match="use 0 or more"):
        RetryRule(**wrong)


@given(rule=rules, try_number=st.integers(1, 10_000))
def test_delay_is_within_its_limits(rule, try_number):
    longest = max(rule.delay_s, 86_400) if rule.max_delay_s is None else rule.max_delay_s
    assert 0 <= delay_s(rule, try_number) <= longest


@pytest.mark.parametrize(
    ("try_number", "max_tries", "expected"),
    [(1, 0, False), (1, 1, True), (2, 1, False), (3, 3, True), (4, 3, False)],
)
def test_task_is_retried_as_often_as_it_has_retries(try_number, max_tries, expected):
    assert may_retry(try_number, max_tries) is expected

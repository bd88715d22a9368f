from __future__ import annotations

import pytest

from flowcore.errors import DagError
from flowcore.sdk import (
    DayWindow,
    FanOutMapper,
    FixedKeyMapper,
    HourWindow,
    IdentityMapper,
    MinimumCount,
    RollupMapper,
    SegmentWindow,
    StartOfDayMapper,
    StartOfHourMapper,
    StartOfWeekMapper,
    WaitForAll,
    WeekWindow,
)

WEEK = RollupMapper(upstream_mapper=StartOfWeekMapper(input_format="%Y-%m-%d"), window=WeekWindow())
DAYS = [f"2024-03-{day}" for day in range(11, 18)]


def test_a_rollup_waits_for_every_part_of_its_period():
    assert {WEEK.to_downstream(day) for day in DAYS} == {"2024-03-11 (W11)"}
    assert WEEK.to_upstream("2024-03-11 (W11)") == frozenset(DAYS)
    assert WEEK.has_arrived("2024-03-11 (W11)", [*DAYS, "2024-03-18"])
    assert not WEEK.has_arrived("2024-03-11 (W11)", DAYS[1:])


@pytest.mark.parametrize(
    ("policy", "enough"),
    [(WaitForAll(), 3), (MinimumCount(2), 2), (MinimumCount(-1), 2), (MinimumCount(-9), 0)],
)
def test_a_policy_says_how_many_are_enough(policy, enough):
    assert [policy.is_satisfied(count, 3) for count in range(4)] == [count >= enough for count in range(4)]


def test_a_fan_out_has_a_key_per_part():
    assert FanOutMapper(upstream_mapper=StartOfWeekMapper(), window=WeekWindow()).to_downstream(
        "2024-03-13T00:00:00"
    ) == [*DAYS]


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: MinimumCount(0), "use at least 1"),
        (
            lambda: RollupMapper(upstream_mapper=FixedKeyMapper("x"), window=DayWindow()),
            "which needs datetime",
        ),
        (
            lambda: RollupMapper(
                upstream_mapper=FixedKeyMapper("x"), window=SegmentWindow(["a"]), wait_policy=MinimumCount(2)
            ),
            "no run would ever start; wait for fewer",
        ),
        (lambda: RollupMapper(upstream_mapper=WEEK, window="week"), "give it a mapper and a window"),
        (
            lambda: RollupMapper(upstream_mapper=StartOfDayMapper(), window=DayWindow(), wait_policy="all"),
            "use WaitForAll",
        ),
        (
            lambda: FanOutMapper(upstream_mapper=StartOfHourMapper(), window=HourWindow()),
            "give it a downstream_mapper",
        ),
        (
            lambda: FanOutMapper(upstream_mapper=IdentityMapper(), window=SegmentWindow(["a"])),
            "give it a downstream_mapper",
        ),
    ],
)
def test_what_could_never_start_a_run_is_refused(make, complaint):
    with pytest.raises(DagError, match=complaint):
        make()

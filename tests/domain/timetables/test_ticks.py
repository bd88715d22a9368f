"""Ticks across changes of the clocks: examples by hand, and that they tile the line everywhere."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowcore.domain.timetables.cron_expressions import parse_cron
from flowcore.domain.timetables.ticks import Ticks
from flowcore.domain.timetables.zones import zone_of

ZURICH, NEW_YORK, LORD_HOWE = "Europe/Zurich", "America/New_York", "Australia/Lord_Howe"

# Instants around the changes of the clocks of 2024 and 2025 in the three zones, and days without one.
CHANGES = [
    datetime(2024, 3, 10, 7, tzinfo=UTC),
    datetime(2024, 11, 3, 6, tzinfo=UTC),
    datetime(2024, 3, 31, 1, tzinfo=UTC),
    datetime(2024, 10, 27, 1, tzinfo=UTC),
    datetime(2024, 4, 6, 15, tzinfo=UTC),
    datetime(2024, 10, 5, 15, 30, tzinfo=UTC),
    datetime(2025, 1, 1, tzinfo=UTC),
]
instants = st.builds(
    lambda change, minutes: change + timedelta(minutes=minutes),
    st.sampled_from(CHANGES),
    st.integers(-36 * 60, 36 * 60),
)
zones = st.sampled_from([ZURICH, NEW_YORK, LORD_HOWE])


def fields(lowest, highest):
    numbers = st.lists(st.integers(lowest, highest), min_size=1, max_size=3).map(
        lambda found: ",".join(map(str, found))
    )
    return st.just("*") | st.sampled_from([f"*/{step}" for step in (2, 7, 15)]) | numbers


crons = st.builds(
    "{} {} {} * {}".format, fields(0, 59), fields(0, 4), st.just("*") | fields(1, 28), fields(0, 6)
)
nightly_crons = st.builds("{} {} * * *".format, fields(0, 59), fields(0, 4))
expressions = st.one_of(
    crons, nightly_crons, st.sampled_from(["* * * * *", "0 * * * *", "20 * * * *", "5 2 * * *"])
)


def ticks_of(cron, zone):
    return Ticks(parse_cron(cron), zone_of(zone))


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def ticks_between(ticks, start, end):
    """By brute force: which minutes fire, by the rules that the module states."""
    return [minute for minute in minutes_of(start, end) if fires(ticks, minute)]


def minutes_of(start, end):
    return [start + timedelta(minutes=number) for number in range(int((end - start) / timedelta(minutes=1)))]


def fires(ticks, instant):
    local = instant.astimezone(ticks.zone)
    wall = local.replace(tzinfo=None, fold=0)
    is_first_of_two = local.fold == 0 and local.utcoffset() > local.replace(fold=1).utcoffset()
    if matches(ticks, wall) and (ticks.expression.covers_every_hour or not is_first_of_two):
        return True
    return any(matches(ticks, missing) for missing in times_shifted_to(instant, ticks.zone))


def times_shifted_to(instant, zone):
    """The wall clock time, if any, that does not exist and is made up for at `instant`."""
    before = (instant - timedelta(hours=3)).astimezone(zone).utcoffset()
    missing = (instant + before).replace(tzinfo=None)
    aware = missing.replace(tzinfo=zone)
    return [missing] if aware.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != missing else []


def matches(ticks, wall):
    return next(ticks.expression.times_after(wall - timedelta(seconds=1))) == wall


@pytest.mark.parametrize(
    ("cron", "zone", "instant", "before", "after"),
    [
        # The clocks go forward over the tick: it comes later by an hour, in Lord Howe by half an hour.
        ("0 2 * * *", NEW_YORK, "2024-03-10T06:30", "2024-03-09T07:00", "2024-03-10T07:00"),
        ("30 2 * * *", NEW_YORK, "2024-03-10T07:00", "2024-03-09T07:30", "2024-03-10T07:30"),
        ("0 2 * * *", LORD_HOWE, "2024-10-05T15:00", "2024-10-04T15:30", "2024-10-05T15:30"),
        # They go back over the tick: it comes at the second occurrence.
        ("0 1 * * *", NEW_YORK, "2024-11-03T05:00", "2024-11-02T05:00", "2024-11-03T06:00"),
        ("30 * * * *", NEW_YORK, "2024-11-03T06:00", "2024-11-03T05:30", "2024-11-03T06:30"),
        # A whole day was left out in Samoa.
        ("0 12 30 12 *", "Pacific/Apia", "2011-12-29T22:00", "2010-12-30T22:00", "2011-12-30T22:00"),
    ],
)
def test_ticks_next_to_a_change_of_the_clocks(cron, zone, instant, before, after):
    ticks = ticks_of(cron, zone)
    assert (ticks.before(at(instant)), ticks.after(at(instant))) == (at(before), at(after))


def test_tick_is_at_or_after_and_at_or_before_itself():
    ticks, tick = ticks_of("0 3 * * *", "UTC"), at("2024-05-05T03:00")
    assert (ticks.at_or_after(tick), ticks.at_or_before(tick)) == (tick, tick)
    assert (ticks.before(tick), ticks.after(tick)) == (at("2024-05-04T03:00"), at("2024-05-06T03:00"))


@given(cron=expressions, zone=zones, instant=instants)
def test_ticks_tile_the_line(cron, zone, instant):
    ticks = ticks_of(cron, zone)
    before, after = ticks.at_or_before(instant), ticks.after(instant)
    assert before <= instant < after
    assert (ticks.before(after), ticks.after(before)) == (before, after)


@pytest.mark.slow
@given(cron=expressions, zone=zones, instant=instants)
def test_ticks_are_those_that_a_look_at_every_minute_finds(cron, zone, instant):
    ticks, end = ticks_of(cron, zone), instant + timedelta(hours=5)
    found, tick = [], ticks.at_or_after(instant)
    while tick < end:
        found.append(tick)
        tick = ticks.after(tick)
    assert found == ticks_between(ticks, instant, end)


@given(zone=zones, instant=instants)
def test_no_hour_is_left_out_by_an_expression_for_every_hour(zone, instant):
    ticks = ticks_of("*/15 * * * *", zone)
    assert ticks.after(instant) - ticks.at_or_before(instant) == timedelta(minutes=15)


def test_zone_may_be_any_tzinfo():
    ticks = Ticks(parse_cron("0 3 * * *"), ZoneInfo("Asia/Tokyo"))
    assert ticks.after(at("2024-01-01T00:00")) == at("2024-01-01T18:00")

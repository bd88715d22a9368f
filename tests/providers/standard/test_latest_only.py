from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from flowcore.app.dag_tests import arun_to_end
from flowcore.domain.timetables.base import DataInterval
from flowcore.domain.timetables.cron import CronDataIntervalTimetable, CronTriggerTimetable
from flowcore.domain.timetables.simple import OnceTimetable
from flowcore.providers.standard.latest_only import LatestOnlyOperator, is_latest_interval
from flowcore.sdk import DAG, task

DAY = timedelta(days=1)
MONDAY = datetime(2024, 1, 1, tzinfo=UTC)
DAILY = CronDataIntervalTimetable("@daily", timezone=UTC)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (MONDAY, False),
        (MONDAY + DAY, True),
        (MONDAY + 2 * DAY, True),
        (MONDAY + 2 * DAY + timedelta(seconds=1), False),
    ],
)
def test_run_is_the_latest_until_the_interval_after_its_own_is_over(now, expected):
    assert is_latest_interval(DAILY, DataInterval(MONDAY, MONDAY + DAY), now=now) is expected


@pytest.mark.parametrize(("days", "expected"), [(0.5, True), (1, True), (1.5, False)])
def test_run_of_a_moment_is_the_latest_until_the_next_moment(days, expected):
    daily = CronTriggerTimetable("@daily", timezone=UTC)
    assert is_latest_interval(daily, DataInterval.exact(MONDAY), now=MONDAY + days * DAY) is expected


def test_last_run_of_a_schedule_is_the_latest_for_ever():
    assert is_latest_interval(OnceTimetable(), DataInterval.exact(MONDAY), now=MONDAY + 1_000 * DAY)


async def test_manual_run_skips_nothing():
    with DAG("d", schedule="@daily", start_date=MONDAY) as dag:
        LatestOnlyOperator(task_id="latest") >> task(list, task_id="after")()
    ended = (await arun_to_end(dag)).tasks
    assert ended["after"].state == "success"


def test_what_comes_right_after_it_is_skipped_in_an_older_run():
    class OldRun:
        run_type, data_interval_start, data_interval_end = "scheduled", MONDAY, MONDAY + DAY

    with DAG("d", schedule="@daily", start_date=MONDAY) as dag:
        latest = LatestOnlyOperator(task_id="latest")
        latest >> task(list, task_id="after")()
    assert latest.choose_branch({"dag_run": OldRun(), "dag": dag, "task": latest}) == []

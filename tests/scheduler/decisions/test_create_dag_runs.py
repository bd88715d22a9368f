from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flowcore.domain.timetables.base import DataInterval, TimeRestriction
from flowcore.domain.timetables.registry import timetable_for
from flowcore.scheduler.decisions.create_dag_runs import DueRuns, due_dag_runs

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOURLY = timetable_for("0 * * * *", UTC)


def due(*, hours: float, catchup: bool = True, limit: int = 100, last: datetime | None = None) -> DueRuns:
    return due_dag_runs(
        HOURLY,
        TimeRestriction(earliest=START, catchup=catchup),
        last_interval=None if last is None else DataInterval.exact(last),
        now=START + hours * HOUR,
        limit=limit,
    )


def dates(due: DueRuns) -> list[datetime | None]:
    return [run.logical_date for run in due.runs]


def test_a_catch_up_creates_every_run_that_was_missed_oldest_first() -> None:
    found = due(hours=2.5)
    assert dates(found) == [START, START + HOUR, START + 2 * HOUR]
    assert found.next_run is not None
    assert found.next_run.run_after == START + 3 * HOUR


def test_without_catch_up_only_the_latest_run_is_created() -> None:
    assert dates(due(hours=2.5, catchup=False)) == [START + 2 * HOUR]


def test_the_next_run_follows_the_last_one() -> None:
    assert dates(due(hours=2.5, last=START + HOUR)) == [START + 2 * HOUR]


def test_nothing_is_due_before_its_time() -> None:
    found = due(hours=0.5, last=START)
    assert dates(found) == []
    assert found.last_interval == DataInterval.exact(START)


def test_a_limit_leaves_the_rest_for_the_next_time() -> None:
    first = due(hours=4, limit=2)
    assert dates(first) == [START, START + HOUR]
    assert first.next_run is not None
    assert first.last_interval is not None
    assert dates(due(hours=4, last=first.last_interval.end))[0] == first.next_run.logical_date


def test_a_schedule_that_is_over_has_no_next_run() -> None:
    restriction = TimeRestriction(earliest=START, latest=START, catchup=True)
    found = due_dag_runs(HOURLY, restriction, last_interval=None, now=START + 9 * HOUR, limit=100)
    assert (dates(found), found.next_run) == ([START], None)

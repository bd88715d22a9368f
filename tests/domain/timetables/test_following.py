from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import attrs
import pytest

from flowcore.domain.timetables.base import DagRunInfo, DataInterval, TimeRestriction
from flowcore.domain.timetables.delta import DeltaTriggerTimetable
from flowcore.domain.timetables.following import follow, next_run
from flowcore.domain.timetables.simple import NullTimetable
from flowcore.errors import DagError

NOW = datetime(2026, 3, 1, tzinfo=UTC)
NAIVE = datetime(2026, 3, 1)  # noqa: DTZ001 - the mistake to be found
HOUR = timedelta(hours=1)
CATCHUP = TimeRestriction(earliest=NOW, catchup=True)


@attrs.frozen
class Written:
    """A timetable that says what an author wrote."""

    answer: Any
    summary: str = "written"
    active_runs_limit: int | None = None
    is_periodic: bool = True

    def next_dagrun_info(self, **arguments: Any) -> Any:
        return self.answer(**arguments)

    def infer_manual_data_interval(self, *, run_after: datetime) -> DataInterval:
        return DataInterval.exact(run_after)

    def serialize(self) -> dict[str, Any]:
        return {}


def always(info: object) -> Written:
    return Written(lambda **_: info)


def test_runs_follow_each_other() -> None:
    runs = follow(DeltaTriggerTimetable(HOUR), CATCHUP, last_interval=None, now=NOW)
    assert [run.run_after for run in islice(runs, 3)] == [NOW, NOW + HOUR, NOW + 2 * HOUR]


def test_a_timetable_without_runs_has_none_to_follow() -> None:
    assert list(follow(NullTimetable(), CATCHUP, last_interval=None, now=NOW)) == []


def test_an_error_of_the_author_is_named() -> None:
    with pytest.raises(DagError, match=r"timetable Written failed with ZeroDivisionError: .*; correct its"):
        next_run(Written(lambda **_: 1 // 0), CATCHUP, last_interval=None, now=NOW)


def test_a_timetable_that_stands_still_is_no_endless_loop() -> None:
    runs = follow(
        always(DagRunInfo.at_end_of(DataInterval(NOW, NOW + HOUR))), CATCHUP, last_interval=None, now=NOW
    )
    assert next(runs).run_after == NOW + HOUR
    with pytest.raises(DagError, match="does not move on; return a later run, or None"):
        next(runs)


@pytest.mark.parametrize(
    ("info", "message"),
    [
        (DagRunInfo.at_end_of(DataInterval(NOW - 2 * HOUR, NOW - HOUR)), "does not move on"),
        (DagRunInfo.at_end_of(DataInterval(NOW + HOUR, NOW)), "ends before it begins"),
        (DagRunInfo(run_after=NOW, logical_date=NOW, data_interval=None), "has no data interval"),
        (DagRunInfo.at_end_of(DataInterval.exact(NAIVE)), "times without a zone"),
        ("tomorrow", "failed with AttributeError"),
    ],
)
def test_an_answer_that_cannot_be_is_refused(info: object, message: str) -> None:
    last = DataInterval(NOW - HOUR, NOW)
    with pytest.raises(DagError, match=message):
        next_run(always(info), CATCHUP, last_interval=last, now=NOW)

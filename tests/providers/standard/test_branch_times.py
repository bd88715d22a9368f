from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from flowcore.app.dag_tests import arun_to_end
from flowcore.compat.airflow_weekday import WeekDay
from flowcore.errors import DagError
from flowcore.providers.standard.branch_times import (
    BranchDateTimeOperator,
    BranchDayOfWeekOperator,
    is_between,
)
from flowcore.sdk import DAG, task

NEVER, EVER = datetime(2999, 1, 1, tzinfo=UTC), datetime(2000, 1, 1, tzinfo=UTC)
CHOICE = {"follow_task_ids_if_true": "yes", "follow_task_ids_if_false": ["no"]}
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)  # a Sunday
BERLIN = ZoneInfo("Europe/Berlin")


def dag_of(kind, **arguments):
    with DAG("d") as dag:
        kind(task_id="branch", **CHOICE, **arguments) >> [
            task(list, task_id=name)() for name in ("yes", "no")
        ]
    return dag


async def taken(dag):
    ended = (await arun_to_end(dag)).tasks
    [name] = [name for name in ("yes", "no") if ended[name].state == "success"]
    return name


@pytest.mark.parametrize(
    ("kind", "arguments", "expected"),
    [
        (BranchDayOfWeekOperator, {"week_day": list(WeekDay)}, "yes"),
        (BranchDayOfWeekOperator, {"week_day": [], "use_task_logical_date": True}, "no"),
        (BranchDateTimeOperator, {"target_lower": EVER, "target_upper": NEVER}, "yes"),
        (BranchDateTimeOperator, {"target_lower": NEVER, "target_upper": None}, "no"),
        (
            BranchDateTimeOperator,
            {"target_lower": None, "target_upper": EVER, "use_task_logical_date": True},
            "no",
        ),
    ],
)
async def test_branch_follows_the_time(kind, arguments, expected):
    assert await taken(dag_of(kind, **arguments)) == expected


@pytest.mark.parametrize(
    ("lower", "upper", "zone", "expected"),
    [
        (time(11), time(13), UTC, True),
        (time(12), time(12), UTC, True),
        (time(12, 30), time(13), BERLIN, True),  # noon is one o'clock there
        (time(11), time(12), BERLIN, False),
        (time(11, tzinfo=UTC), time(12, tzinfo=UTC), BERLIN, True),
        (time(11), None, UTC, True),
        (None, time(11), UTC, False),
        # To the next day, if its end is before its begin.
        (time(10), time(2), UTC, True),
        (time(22), time(2), UTC, False),
        (datetime(2026, 3, 1, 12, 30), None, BERLIN, True),  # noqa: DTZ001
        (NOON + timedelta(seconds=1), None, UTC, False),
        (NEVER, EVER, UTC, False),
    ],
)
def test_limits_are_in_their_zone_or_that_of_the_dag(lower, upper, zone, expected):
    assert is_between(NOON, lower, upper, zone=zone) is expected


def test_arguments_that_make_no_sense_are_refused():
    with pytest.raises(DagError, match="neither target_lower nor target_upper"):
        dag_of(BranchDateTimeOperator, target_lower=None, target_upper=None)
    with pytest.raises(DagError, match="'someday' is no day of the week"):
        dag_of(BranchDayOfWeekOperator, week_day="someday")

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from flowcore.domain.dag_runs import PastTaskInstance
from flowcore.domain.states import TaskInstanceState
from flowcore.sdk.external_tasks import Sight, Watched, sight_of

DATES = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))
WATCHED = Watched(
    dag_id="d",
    logical_dates=DATES,
    allowed=frozenset({"success"}),
    skipped=frozenset({"skipped"}),
    failed=frozenset({"failed", "none"}),
)


def of(task_id, state, *, day=0, map_index=-1):
    return PastTaskInstance(
        dag_id="d",
        run_id=f"r{day}",
        task_id=task_id,
        map_index=map_index,
        try_number=1,
        state=TaskInstanceState(state) if state else None,
        logical_date=DATES[day],
    )


BOTH_DAYS = [of("a", "success"), of("a", "success", day=1)]


@pytest.mark.parametrize(
    ("task_ids", "found", "expected"),
    [
        (["a"], BOTH_DAYS, Sight(False, False, True)),
        (["a"], BOTH_DAYS[:1], Sight(False, False, False)),  # the other run is not there yet
        (["a"], [], Sight(False, False, False)),
        ([], [], Sight(False, False, False)),  # a group that is not there
        (["a"], [*BOTH_DAYS, of("a", "running", map_index=3)], Sight(False, False, False)),
        (["a"], [*BOTH_DAYS, of("a", "success", map_index=3)], Sight(False, False, True)),
        (["a", "b"], [*BOTH_DAYS, of("b", "skipped")], Sight(False, True, False)),
        (["a", "b"], [*BOTH_DAYS, of("b", "failed")], Sight(True, False, False)),
        (["a", "b"], [*BOTH_DAYS, of("b", None)], Sight(True, False, False)),
    ],
)
def test_every_instance_of_every_date_has_to_be_in_an_allowed_state(task_ids, found, expected):
    assert sight_of(WATCHED, task_ids, found) == expected

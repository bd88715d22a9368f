from __future__ import annotations

from datetime import UTC, datetime

import pytest

from flowcore.domain.requested_runs import names_of_tries
from flowcore.domain.run_types import RUN_ID_PATTERN, DagRunType, check_run_id

MOMENT = datetime(2026, 3, 1, tzinfo=UTC)


def tries(owner: str = "d/r/t/-1/7", **numbers: int) -> tuple[str, ...]:
    return names_of_tries(owner, MOMENT, **numbers)


@pytest.mark.parametrize(
    ("try_number", "max_tries", "retries", "known"),
    [
        (1, 0, 0, [1]),
        (1, 2, 2, [1]),
        (3, 2, 2, [3, 2, 1]),
        (2, 3, 2, [2]),  # cleared after the first try
        (4, 3, 2, [4, 3, 2]),
        (1, 5, 0, [1]),  # the Dag was changed to allow fewer retries
    ],
)
def test_a_try_knows_those_since_the_task_was_cleared(try_number, max_tries, retries, known):
    names = tries(try_number=try_number, max_tries=max_tries, retries=retries)
    assert [int(name.rpartition("_")[2]) for name in names] == known


def test_each_task_instance_has_names_of_its_own_that_runs_may_have():
    [name] = tries(try_number=1, max_tries=0, retries=0)
    [other] = tries("d/r/t/0/8", try_number=1, max_tries=0, retries=0)
    assert name != other
    check_run_id(name, DagRunType.OPERATOR_TRIGGERED, pattern=RUN_ID_PATTERN)

from __future__ import annotations

import pytest

from flowcore.domain.run_types import (
    RUN_ID_LENGTH_MAX,
    RUN_ID_PATTERN,
    DagRunType,
    check_run_id,
    require_allowed,
)
from flowcore.errors import UsageError
from flowcore.settings import Settings


@pytest.mark.parametrize(
    "run_id", ["first", "2026-03-01T06:00:00+01:00", "manual__x", "a" * RUN_ID_LENGTH_MAX]
)
def test_ordinary_names_are_allowed(run_id: str) -> None:
    check_run_id(run_id, DagRunType.MANUAL)


@pytest.mark.parametrize(
    ("run_id", "message"),
    [
        ("", "choose a name that matches"),
        ("two words", "choose a name that matches"),
        ("../up", "choose a name that matches"),
        ("first\n", "choose a name that matches"),
        ("nul\0", "choose a name that matches"),
        ("a" * (RUN_ID_LENGTH_MAX + 1), "use at most 250"),
        ("scheduled__2026", "is kept for scheduled runs"),
        ("backfill__2026", "is kept for backfill runs"),
    ],
)
def test_other_names_are_refused(run_id: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check_run_id(run_id, DagRunType.MANUAL)


def test_an_operator_may_allow_other_names() -> None:
    check_run_id("two words", DagRunType.MANUAL, pattern="^[a-z ]+$")
    with pytest.raises(UsageError, match="allowed_run_id_pattern"):
        check_run_id("Two", DagRunType.MANUAL, pattern="^[a-z ]+$")


def test_the_setting_and_the_rule_agree() -> None:
    assert Settings().allowed_run_id_pattern == RUN_ID_PATTERN


def test_a_dag_allows_all_types_unless_it_names_some() -> None:
    require_allowed("etl", None, DagRunType.MANUAL)
    require_allowed("etl", ("manual",), DagRunType.MANUAL)
    with pytest.raises(UsageError, match="allows no backfill runs, only manual; see its allowed_run_types"):
        require_allowed("etl", ("manual",), DagRunType.BACKFILL)

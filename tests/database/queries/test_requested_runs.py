from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest
import sqlalchemy as sa

from flowcore.database.queries.pausing import set_paused
from flowcore.database.queries.register_dags import register_dag
from flowcore.database.queries.requested_runs import queue_requested_run
from flowcore.database.tables import dag_run
from flowcore.domain.requested_runs import RequestedRun, RunRequest, TriggerOutcome
from flowcore.errors import DagNotFound, UsageError
from tests.support.scheduling import NOW, single

DATE = datetime(2026, 1, 1, tzinfo=UTC)
FIRST = RunRequest(dag_id="etl", names=("mine_1",), again_after=("failed",))
SECOND = attrs.evolve(FIRST, names=("mine_2", "mine_1"))
NAMED = RunRequest(dag_id="etl", run_id="named")
DATED = attrs.evolve(FIRST, logical_date=DATE)


@pytest.fixture(autouse=True)
def etl(connection: sa.Connection) -> None:
    register_dag(connection, single(), now=NOW, paused_at_creation=False)


def ask(connection: sa.Connection, request: RunRequest) -> RequestedRun:
    return queue_requested_run(connection, request, now=NOW)


def end(connection: sa.Connection, run_id: str, state: str) -> None:
    connection.execute(dag_run.update().values(state=state).where(dag_run.c.run_id == run_id))


def runs(connection: sa.Connection) -> list[sa.Row[Any]]:
    return list(connection.execute(sa.select(dag_run).order_by(dag_run.c.id)))


def test_a_run_is_made_and_dated_now(connection: sa.Connection) -> None:
    request = attrs.evolve(FIRST, conf={"n": 1})
    assert ask(connection, request) == RequestedRun("mine_1", TriggerOutcome.CREATED)
    [run] = runs(connection)
    assert (run.run_type, run.state, run.conf, run.logical_date, run.run_after) == (
        "operator_triggered",
        "queued",
        {"n": 1},
        NOW,
        NOW,
    )


@pytest.mark.parametrize("again", [FIRST, SECOND])
def test_who_asks_again_gets_the_same_run(connection: sa.Connection, again: RunRequest) -> None:
    ask(connection, FIRST)
    assert ask(connection, again) == RequestedRun("mine_1", TriggerOutcome.TAKEN_OVER)
    assert len(runs(connection)) == 1


def test_after_a_run_that_failed_another_try_makes_a_new_one_and_the_same_does_not(
    connection: sa.Connection,
) -> None:
    ask(connection, FIRST)
    end(connection, "mine_1", "failed")
    assert ask(connection, FIRST) == RequestedRun("mine_1", TriggerOutcome.TAKEN_OVER)
    assert ask(connection, SECOND) == RequestedRun("mine_2", TriggerOutcome.CREATED)
    assert ask(connection, SECOND) == RequestedRun("mine_2", TriggerOutcome.TAKEN_OVER)


def test_a_name_that_is_taken_is_told(connection: sa.Connection) -> None:
    ask(connection, NAMED)
    assert ask(connection, NAMED) == RequestedRun("named", TriggerOutcome.EXISTS)


def test_a_logical_date_that_is_taken_is_told_unless_the_run_is_ones_own(connection: sa.Connection) -> None:
    ask(connection, DATED)
    assert ask(connection, DATED).outcome is TriggerOutcome.TAKEN_OVER
    other = attrs.evolve(DATED, names=("other_1",))
    assert ask(connection, other) == RequestedRun("mine_1", TriggerOutcome.EXISTS)


def test_a_run_that_is_there_can_begin_again(connection: sa.Connection) -> None:
    ask(connection, NAMED)
    end(connection, "named", "success")
    reset = ask(connection, attrs.evolve(NAMED, resets=True))
    assert reset == RequestedRun("named", TriggerOutcome.RESET)
    [run] = runs(connection)
    assert (run.state, run.clear_number) == ("queued", 1)


def test_a_run_may_have_no_date_and_wait(connection: sa.Connection) -> None:
    later = NOW + timedelta(hours=1)
    ask(connection, attrs.evolve(FIRST, is_undated=True, run_after=later))
    [run] = runs(connection)
    assert (run.logical_date, run.data_interval_start, run.run_after) == (None, None, later)


def test_runs_of_the_same_moment_are_dated_one_after_another(connection: sa.Connection) -> None:
    outcomes = [ask(connection, attrs.evolve(FIRST, names=(name,))).outcome for name in ("a", "b")]
    assert outcomes == [TriggerOutcome.CREATED] * 2
    assert [run.logical_date - NOW for run in runs(connection)] == [timedelta(), timedelta(microseconds=1)]


@pytest.mark.parametrize(("refuses", "outcome"), [(True, "paused"), (False, "created")])
def test_a_paused_dag_gets_a_run_unless_that_is_refused(
    connection: sa.Connection, refuses: bool, outcome: str
) -> None:
    set_paused(connection, "etl", True)
    assert ask(connection, attrs.evolve(FIRST, refuses_paused=refuses)).outcome == outcome
    assert len(runs(connection)) == (outcome == "created")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"dag_id": "nope"}, DagNotFound),
        ({"run_id": "scheduled__1"}, UsageError),
        ({"run_id": "no spaces"}, UsageError),
    ],
)
def test_what_cannot_be_is_refused(
    connection: sa.Connection, changes: dict[str, str], error: type[Exception]
) -> None:
    with pytest.raises(error):
        ask(connection, attrs.evolve(FIRST, **changes))


def test_a_run_may_be_called_as_if_made_by_hand(connection: sa.Connection) -> None:
    request = RunRequest(dag_id="etl", run_id="manual__2026-01-01T00:00:00+00:00")
    assert ask(connection, request).outcome is TriggerOutcome.CREATED

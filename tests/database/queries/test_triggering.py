from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from flowcore.database.queries.register_dags import register_dag
from flowcore.database.queries.triggering import TriggeredRun, trigger_dag_run
from flowcore.database.tables import dag, dag_run
from flowcore.database.wakeups import take_channels
from flowcore.domain.timetables.base import Timetable
from flowcore.domain.timetables.partitioned_times import CronPartitionTimetable, PartitionedAtRuntime
from flowcore.errors import DagInactive, DagNotFound, ParamError, UsageError
from tests.support.scheduling import NOW, single

SIZED = single(params={"size": {"default": 1, "schema": {"type": "integer"}}})


@pytest.fixture(autouse=True)
def etl(connection: sa.Connection) -> None:
    register_dag(connection, SIZED, now=NOW, paused_at_creation=False)
    take_channels(connection)


def trigger(connection: sa.Connection, dag_id: str = "etl", **given: Any) -> TriggeredRun:
    arguments = {"conf": {}, "run_id": None, "logical_date": None, "now": NOW, **given}
    return trigger_dag_run(connection, dag_id=dag_id, **arguments)


def row_of(connection: sa.Connection, run: TriggeredRun) -> sa.Row[Any]:
    return connection.execute(sa.select(dag_run).where(dag_run.c.id == run.id)).one()


def test_a_triggered_run_is_queued_and_dated_now(connection: sa.Connection) -> None:
    row = row_of(connection, trigger(connection, conf={"size": 5}))
    assert (row.state, row.run_type, row.run_id) == ("queued", "manual", "manual__2026-03-01T12:00:00+00:00")
    assert (row.logical_date, row.run_after, row.data_interval_start) == (NOW, NOW, NOW)
    assert (row.conf, row.params) == ({"size": 5}, {"size": 5})
    assert take_channels(connection) == ("runs_queued",)


def test_defaults_of_params_are_filled_in(connection: sa.Connection) -> None:
    row = row_of(connection, trigger(connection))
    assert (row.conf, row.params) == ({}, {"size": 1})


def test_runs_of_the_same_microsecond_are_dated_one_after_another(connection: sa.Connection) -> None:
    dates = [row_of(connection, trigger(connection)).logical_date for _ in range(3)]
    assert dates == [NOW + timedelta(microseconds=n) for n in range(3)]


def test_named_runs_of_the_same_microsecond_keep_their_names(connection: sa.Connection) -> None:
    runs = [trigger(connection, run_id=name) for name in ("a", "b")]
    assert [run.run_id for run in runs] == ["a", "b"]


@pytest.mark.parametrize(
    "again", [{"run_id": "first"}, {"logical_date": NOW}, {"run_id": "x", "logical_date": NOW}]
)
def test_a_run_id_or_date_that_is_taken_is_refused(connection: sa.Connection, again: dict[str, Any]) -> None:
    trigger(connection, run_id="first", logical_date=NOW)
    with pytest.raises(UsageError, match="already; choose another run_id and logical_date"):
        trigger(connection, **again)


def test_another_dag_may_use_the_same_names(connection: sa.Connection) -> None:
    register_dag(connection, single("other"), now=NOW, paused_at_creation=False)
    runs = [trigger(connection, dag_id, run_id="first", logical_date=NOW) for dag_id in ("etl", "other")]
    assert runs[0].id != runs[1].id


def test_a_date_in_another_zone_is_the_same_moment(connection: sa.Connection) -> None:
    moment = datetime(2026, 1, 1, 1, tzinfo=UTC).astimezone(tz=None)
    assert row_of(connection, trigger(connection, logical_date=moment)).logical_date == moment


def test_conf_that_breaks_a_param_is_refused(connection: sa.Connection) -> None:
    with pytest.raises(ParamError, match="'size' of Dag 'etl'"):
        trigger(connection, conf={"size": "large"})


def test_an_unknown_dag_is_told_with_the_known_ones(connection: sa.Connection) -> None:
    with pytest.raises(DagNotFound, match="there is no Dag 'elt'; known: etl"):
        trigger(connection, "elt")


def test_a_dag_whose_file_is_gone_cannot_be_triggered(connection: sa.Connection) -> None:
    connection.execute(dag.update().values(is_active=False, fileloc="/dags/etl.py"))
    with pytest.raises(DagInactive, match=r"'etl' is inactive: /dags/etl.py is gone or makes it no longer"):
        trigger(connection)


def test_a_run_may_wait_for_its_time(connection: sa.Connection) -> None:
    tomorrow = NOW + timedelta(days=1)
    row = row_of(connection, trigger(connection, run_after=tomorrow))
    assert (row.state, row.run_after, row.logical_date) == ("queued", tomorrow, tomorrow)
    dated = row_of(connection, trigger(connection, run_after=tomorrow, logical_date=NOW))
    assert (dated.run_after, dated.logical_date) == (tomorrow, NOW)


def test_a_run_cannot_be_called_like_those_of_another_type(connection: sa.Connection) -> None:
    with pytest.raises(UsageError, match="is kept for scheduled runs"):
        trigger(connection, run_id="scheduled__2026")


def test_a_dag_that_allows_no_manual_runs_is_not_triggered(connection: sa.Connection) -> None:
    only = single("only", allowed_run_types=("scheduled",))
    register_dag(connection, only, now=NOW, paused_at_creation=False)
    with pytest.raises(UsageError, match="allows no manual runs, only scheduled"):
        trigger(connection, "only")


@pytest.mark.parametrize(
    ("timetable", "key", "date"),
    [
        (CronPartitionTimetable("@daily", timezone="UTC"), "2026-03-01T00:00:00", NOW.replace(hour=0)),
        (PartitionedAtRuntime(), "us", None),
    ],
)
def test_a_run_may_be_for_a_partition(
    connection: sa.Connection, timetable: Timetable, key: str, date: datetime | None
) -> None:
    of = single("parts", timetable=timetable.serialize())
    register_dag(connection, of, now=NOW, paused_at_creation=False)
    row = row_of(connection, trigger(connection, "parts", partition_key=key))
    assert (row.partition_key, row.partition_date) == (key, date)


@pytest.mark.parametrize("key", ["", "us"])
def test_a_key_that_is_none_of_the_timetable_is_refused(connection: sa.Connection, key: str) -> None:
    of = single("parts", timetable=CronPartitionTimetable("@daily", timezone="UTC").serialize())
    register_dag(connection, of, now=NOW, paused_at_creation=False)
    with pytest.raises(UsageError, match=r"no key of a partition|as the Dag's timetable does"):
        trigger(connection, "parts", partition_key=key)

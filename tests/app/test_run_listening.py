"""What an installed listener hears of runs; the scheduler is a real one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import flowcore
from flowcore.app.run_listening import run_news
from flowcore.domain.states import DagRunState
from flowcore.sdk import DAG, task
from tests.app.conftest import OPTIONS
from tests.support.plug_ins import importable, write_distribution

SOURCE = """
import threading

heard, go_on = [], threading.Event()

def on_starting(component):
    heard.append(("starting", component.name))

def before_stopping(component):
    heard.append(("stopping", component.name))

def on_dag_run_running(dag_run):
    heard.append(("running", dag_run.run_id))
    if dag_run.run_id == "held":
        go_on.wait()
    if dag_run.run_id == "unheard":
        raise RuntimeError("in a listener")

async def on_dag_run_success(dag_run, msg):
    heard.append((str(dag_run.state), dag_run.dag_id, dag_run.version_number, dag_run.end_date is not None))

def on_dag_run_failed(dag_run):
    heard.append((str(dag_run.state), dag_run.run_id))
"""
QUEUED, RUNNING, SUCCESS, FAILED = (
    DagRunState.QUEUED, DagRunState.RUNNING, DagRunState.SUCCESS, DagRunState.FAILED
)  # fmt: skip


@pytest.fixture
def ears(tmp_path: Path) -> Iterator[Any]:
    write_distribution(tmp_path, "ears", {"ears": SOURCE}, {"flowcore.listeners": {"ears": "ears"}})
    with importable(tmp_path):
        import ears  # type: ignore[import-not-found]

        yield sys.modules["ears"]
        ears.go_on.set()


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'flow.db'}"


def dag_of(function: Any) -> DAG:
    with DAG("d") as dag:
        task(task_id="t")(function)()
    return dag


def fail() -> None:
    raise ValueError


async def test_listeners_hear_of_runs_between_the_beginning_and_the_end(ears: Any, scene_url: str) -> None:
    async with flowcore.open(scene_url, dags=[dag_of(list)], options=OPTIONS) as fc:
        await (await fc.trigger("d", run_id="one")).wait()
    assert ears.heard == [
        ("starting", "scheduler"),
        ("running", "one"),
        ("success", "d", 1, True),
        ("stopping", "scheduler"),
    ]


async def test_what_a_listener_raises_is_logged_and_the_next_event_told(
    ears: Any, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with flowcore.open(url, dags=[dag_of(fail)], options=OPTIONS) as fc:
        await (await fc.trigger("d", run_id="unheard")).wait()
    assert ears.heard[1:3] == [("running", "unheard"), ("failed", "unheard")]
    assert "RuntimeError: in a listener" in caplog.text


async def test_a_listener_that_hangs_holds_up_no_run(ears: Any, url: str) -> None:
    async with flowcore.open(url, dags=[dag_of(list)], options=OPTIONS) as fc:
        runs = [await fc.trigger("d", run_id=name) for name in ("held", "other")]
        assert [await run.wait() for run in runs] == [SUCCESS, SUCCESS]
        ears.go_on.set()
    assert ears.heard[-1] == ("stopping", "scheduler")


async def test_runs_that_ended_before_are_not_told_of(ears: Any, url: str) -> None:
    async with flowcore.open(url, dags=[dag_of(list)], options=OPTIONS) as fc:
        await (await fc.trigger("d", run_id="one")).wait()
    ears.heard.clear()
    async with flowcore.open(url, options=OPTIONS):
        pass
    assert ears.heard == [("starting", "scheduler"), ("stopping", "scheduler")]


@pytest.mark.parametrize(
    ("before", "now", "news"),
    [
        (None, QUEUED, []),
        (None, RUNNING, [RUNNING]),
        (None, FAILED, [RUNNING, FAILED]),
        (QUEUED, RUNNING, [RUNNING]),
        (QUEUED, SUCCESS, [RUNNING, SUCCESS]),
        (RUNNING, RUNNING, []),
        (RUNNING, SUCCESS, [SUCCESS]),
        (RUNNING, QUEUED, []),
    ],
)
def test_what_happened_between_two_looks(
    before: DagRunState | None, now: DagRunState, news: list[DagRunState]
) -> None:
    known = {} if before is None else {7: before}
    assert list(run_news(known, {7: now})) == [(7, state) for state in news]

"""What an installed listener hears of tries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from flowcore.domain.try_settings import TrySettings
from flowcore.sdk import DAG, AirflowSkipException, task
from tests.runner.tries import try_of
from tests.support.plug_ins import importable, write_distribution

LISTENED = TrySettings(has_listeners=True)
SOURCE = """
heard = []

def on_task_instance_running(previous_state, task_instance):
    heard.append(("running", str(previous_state), task_instance.task_id, None))

async def on_task_instance_success(previous_state, task_instance):
    heard.append(("success", str(previous_state), task_instance.get_template_context()["ti"].task_id, None))

def on_task_instance_failed(previous_state, task_instance, error):
    heard.append(("failed", str(previous_state), task_instance.task_id, error))
    raise RuntimeError("in a listener")

class Skipped:
    def on_task_instance_skipped(self, task_instance):
        heard.append(("skipped", None, task_instance.task_id, None))
"""
POINTS = {"flowcore.listeners": {"all": "ears", "skipped": "ears:Skipped"}}
BUG = ValueError("bug")


@pytest.fixture
def heard(tmp_path: Path) -> Iterator[list[Any]]:
    write_distribution(tmp_path, "ears", {"ears": SOURCE}, POINTS)
    with importable(tmp_path):
        import ears  # type: ignore[import-not-found]

        yield ears.heard


def end(error: Exception | None) -> None:
    if error is not None:
        raise error


async def aend(error: Exception | None) -> None:
    end(error)


@pytest.mark.parametrize("function", [end, aend])
@pytest.mark.parametrize(
    ("error", "told"),
    [
        (None, ("success", "running", "t", None)),
        (BUG, ("failed", "running", "t", BUG)),
        (AirflowSkipException(), ("skipped", None, "t", None)),
    ],
)
async def test_listeners_hear_how_a_try_begins_and_ends(heard, function, error, told):
    with DAG("d"):
        out = task(task_id="t")(function)(error)
    await try_of(out, settings=LISTENED).run()
    assert heard == [("running", "queued", "t", None), told]


async def test_what_a_listener_raises_is_logged_and_changes_nothing(heard, caplog):
    with DAG("d"):
        out = task(task_id="t")(end)(BUG)
    ending = await try_of(out, settings=LISTENED).run()
    assert "ValueError: bug" in ending.error
    assert "the callback <listener ears.on_task_instance_failed> failed" in caplog.text


async def test_a_try_that_goes_on_does_not_begin_again(heard):
    with DAG("d"):
        out = task(task_id="t")(end)(None)
    attempted = try_of(out, settings=LISTENED)
    attempted.workload = attrs.evolve(attempted.workload, start_date=attempted.workload.run.run_after)
    await attempted.run()
    assert [name for name, *_ in heard] == ["success"]


async def test_nothing_is_looked_up_where_the_scheduler_found_no_listener(heard):
    with DAG("d"):
        out = task(task_id="t")(end)(None)
    await try_of(out).run()
    assert heard == []

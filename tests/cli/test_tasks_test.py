from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Flowcore

DAG = """
from flowcore.sdk import Variable, dag, task, TaskSkipped

@dag(params={"greeting": "hello"})
def example():
    @task
    def sync(params=None, ds=None):
        print("on the way")
        return [params["greeting"], ds, Variable.get("place")]

    @task
    async def coroutine(ti=None):
        ti.xcom_push("extra", await Variable.aget("place"))

    @task
    def breaks():
        raise ValueError("broken on purpose")

    @task
    def dies():
        import os
        os._exit(0)

    @task(execution_timeout=0.01)
    async def hangs():
        import anyio
        await anyio.sleep_forever()

    @task
    def mapped(x):
        return x

    mapped.expand(x=["a", "b"])
    sync(), coroutine(), breaks(), dies(), hangs()

example()
"""


@pytest.fixture(params=["asyncio", "trio"])
def tested(request: pytest.FixtureRequest, flowcore: Flowcore, folder: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Tests a task; exit status, what is printed as JSON, and the other output."""
    monkeypatch.setenv("FLOWCORE_VAR_PLACE", "world")
    (folder / "dags" / "example.py").write_text(DAG)
    flowcore("db", "migrate")

    def call(*arguments: str) -> tuple[int, object, str]:
        result = flowcore("tasks", "test", "example", *arguments, "--backend", request.param)
        return result.exit_code, json.loads(result.stdout), result.stderr

    return call


def test_what_a_task_pushed_is_printed(tested) -> None:  # type: ignore[no-untyped-def]
    status, printed, others = tested("sync", "2026-03-01", "--conf", '{"greeting": "hi"}')
    assert (status, printed["outcome"]) == (0, "success")
    assert printed["xcoms"] == {"return_value": ["hi", "2026-03-01", "world"]}
    assert "on the way" in others


def test_coroutines_are_tested_as_well(tested) -> None:  # type: ignore[no-untyped-def]
    assert tested("coroutine")[:2] == (0, {"outcome": "success", "xcoms": {"extra": "world"}})


@pytest.mark.parametrize("index", ["1", "-1", "2"])
def test_one_instance_of_a_mapped_task_is_tested(tested, index) -> None:  # type: ignore[no-untyped-def]
    status, printed, others = tested("mapped", "--map-index", index)
    expected = {
        "1": (0, {"outcome": "success", "xcoms": {"return_value": "b"}}, ""),
        "-1": (1, {"outcome": "failed", "xcoms": {}}, "is mapped; say which instance is meant"),
        "2": (1, {"outcome": "failed", "xcoms": {}}, "has no element 2 that it is mapped over"),
    }[index]
    assert (status, printed) == expected[:2]
    assert expected[2] in others


def test_a_failure_is_told_with_its_traceback(tested) -> None:  # type: ignore[no-untyped-def]
    status, printed, others = tested("breaks")
    assert (status, printed["outcome"]) == (1, "failed")
    assert "ValueError: broken on purpose" in others


def test_the_timeout_of_the_task_holds(tested) -> None:  # type: ignore[no-untyped-def]
    assert "exceeded its execution_timeout" in tested("hangs")[2]


def test_unknown_task_is_named(flowcore: Flowcore, folder: Path) -> None:
    (folder / "dags" / "example.py").write_text(DAG)
    flowcore("db", "migrate")
    result = flowcore("tasks", "test", "example", "nothing")
    assert (result.exit_code, "has no task 'nothing'" in result.stderr) == (2, True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task_id", "loop"), [("sync", "asyncio"), ("coroutine", "trio"), ("dies", "asyncio")]
)
def test_a_task_is_run_as_the_local_executor_does(  # type: ignore[no-untyped-def]
    flowcore: Flowcore, folder: Path, monkeypatch: pytest.MonkeyPatch, loop: str, task_id: str
):
    monkeypatch.setenv("FLOWCORE_VAR_PLACE", "world")
    (folder / "dags" / "example.py").write_text(DAG)
    flowcore("db", "migrate")
    result = flowcore("tasks", "run", "example", task_id, "2026-03-01", "--backend", loop)
    printed = json.loads(result.stdout)
    status, outcome, xcoms, told = EXPECTED[task_id]
    assert (result.exit_code, printed) == (status, {"outcome": outcome, "xcoms": xcoms})
    assert told in result.stderr


EXPECTED: dict[str, tuple[int, str, dict[str, object], str]] = {
    "sync": (0, "success", {"return_value": ["hello", "2026-03-01", "world"]}, "on the way"),
    "coroutine": (0, "success", {"extra": "world"}, ""),
    "dies": (1, "failed", {}, "ended with exit status 0 and without a report"),
}

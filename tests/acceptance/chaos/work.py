"""The Dag file of the chaos: makes the Dags of `plan.json` beside it, whose tasks note what they do.

A note is one line in the file `notes`: a word, the task instance, the token of the claim, a number that no
other execution has, the log of its scheduler, and the time. A task returns that number, so that the XCom of
a task instance says which execution it is from. This file is also imported by the test, for the oracle.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anyio

from flowcore.sdk import DAG, AirflowFailException, AirflowSkipException, get_current_context, task

HERE = Path(__file__).parent
PLAN = HERE / "plan.json"
NOTES = HERE.parent / "notes"
Spec = Mapping[str, Any]


class Failed(Exception):
    """What a task raises that has to be tried again."""


def make_dags(plan: list[Spec]) -> dict[str, DAG]:
    """The Dags of a plan by their ids."""
    return {spec["dag_id"]: _make_dag(spec) for spec in plan}


def _make_dag(spec: Spec) -> DAG:
    retries = {"retries": 1_000, "retry_delay": 0.1}
    made: dict[str, Any] = {}
    with DAG(spec["dag_id"], max_active_runs=0, max_active_tasks=8, default_args=retries) as dag:
        for each in spec["tasks"]:
            made[each["task_id"]] = _make_task(each, made)
            for before in each["upstream"]:
                made[before] >> made[each["task_id"]]
        for each in spec["tasks"]:
            if each["role"] == "setup":
                made[each["task_id"]].as_setup()
            elif each["role"] == "teardown":
                made[each["task_id"]].as_teardown(setups=[made[name] for name in each["setups"]])
    return dag


def _make_task(spec: Spec, made: Mapping[str, Any]) -> Any:
    operator = task(_function(spec) if spec["is_function"] else _coroutine(spec))
    chosen = operator.override(task_id=spec["task_id"], trigger_rule=spec["rule"], pool=spec["pool"])
    if spec["over"] is None:
        return chosen()
    over = made[spec["over"]] if isinstance(spec["over"], str) else list(range(spec["over"]))
    return chosen.expand(element=over)


def _function(spec: Spec) -> Callable[..., Any]:
    def work(element: Any = None) -> Any:
        number = _begin()
        time.sleep(spec["seconds"])
        return _end(spec, number)

    return work


def _coroutine(spec: Spec) -> Callable[..., Any]:
    async def work(element: Any = None) -> Any:
        number = _begin()
        await anyio.sleep(spec["seconds"])
        return _end(spec, number)

    return work


def _begin() -> str:
    number = secrets.token_hex(8)
    _note("begin", number)
    return number


def _end(spec: Spec, number: str) -> Any:
    _note("end", number)
    match spec["end"]:
        case "fails":
            raise AirflowFailException("for good")
        case "skips":
            raise AirflowSkipException
        case "fails at first" if get_current_context()["ti"].try_number == 1:
            raise Failed
    return number if spec["length"] is None else [number] * spec["length"]


def _note(word: str, number: str) -> None:
    workload = get_current_context()["ti"].workload  # type: ignore[attr-defined]  # the token is our own affair
    whose = Path(os.environ.get("ACCEPTANCE_FAMILY", "nobody")).stem
    line = f"{word} {workload.task_instance_id} {workload.token} {number} {whose} {time.time()}\n"
    # One write of a short line is not torn apart, whoever else writes.
    with NOTES.open("ab", buffering=0) as notes:
        notes.write(line.encode())


if PLAN.exists():
    globals().update(make_dags(json.loads(PLAN.read_text())))

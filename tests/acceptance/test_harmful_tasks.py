"""Tasks that harm themselves end in the right state with a message that helps, and no other task notices."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.commands import flowcore
from tests.executors.misbehaviour import TEXT

pytestmark = pytest.mark.slow

#: What people are told of each task; None: it succeeds.
TOLD = {
    "behave": None,
    "abehave": None,
    "exit_at_once": "exit status 0 and without a report, so nobody knows whether the work is done; let",
    "exit_with_3": "exit status 3 and without a report; the log of the try may tell why",
    "crash": "crashed in C code (SIGSEGV); the log of the try shows where",
    "be_killed": "perhaps by the kernel's OOM killer because memory ran out",
    "be_terminated_by_its_own_group": "SIGTERM, which flowcore did not send; find out who sends it",
    "leave_a_daemon": None,
    "close_descriptors": "close no descriptors that it has not opened",
    "push_100_megabytes": "100,000,002 bytes of JSON, and max_xcom_bytes is 10,000,000; store the data",
    "write_garbage": "broke the protocol of its comms socket: it announced a frame of",
    "raise_odd": "\nmisbehaviour.Odd: odd",
    "raise_system_exit": "\nSystemExit: 1",
    "outlive_timeout": "the try exceeded its execution_timeout of 2 s",
    "outlive_timeout_in_c": "of 2 s; it did not end when it was asked to, and was killed",
    "swallow_interrupts": "of 2 s; it did not end when it was asked to, and was killed",
    "say_from_everywhere": None,
    "block_the_loop": None,
    "swallow_cancellation": "it did not end when it was cancelled: let the task raise the cancellation again",
    "outlive_timeout_async": "the try exceeded its execution_timeout of 2 s",
    "araise_odd": "\nmisbehaviour.Odd: odd",
    "araise_system_exit": "\nSystemExit: 1",
    "asay": None,
    "alone": None,
}
#: `tests/executors/test_local_service.py` has them: they need workers to themselves, or say too much.
APART = {"take_the_worker_along", "wait_for_the_worker_to_die", "print_megabytes"}


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """How all of them ended, side by side in one run."""
    folder = tmp_path_factory.mktemp("harmful")
    selected = TEXT.replace(
        "    for one in tasks:", f"    for one in [t for t in tasks if t.__name__ not in {APART}]:"
    )
    (folder / "misbehaviour.py").write_text(selected)
    done = flowcore(folder, "run", "misbehaviour.py", "--executor", "local", "--json", timeout_s=300)
    document: dict[str, Any] = json.loads(done.stdout)
    return {"stderr": done.stderr, "folder": folder} | {
        item["task_id"]: item for item in document["task_instances"]
    }


def test_every_task_is_known_here(outcome: dict[str, Any]) -> None:
    assert outcome.keys() - {"stderr", "folder"} == TOLD.keys()


@pytest.mark.parametrize("task_id", TOLD)
def test_task_ends_in_the_right_state_with_a_message(outcome: dict[str, Any], task_id: str) -> None:
    item, told = outcome[task_id], TOLD[task_id]
    assert (item["state"], item["error"] is None) == (
        ("success", True) if told is None else ("failed", False)
    )
    assert told is None or told in item["error"]


def test_nothing_is_left_behind(outcome: dict[str, Any]) -> None:
    pid = int(Path(outcome["folder"], "daemon").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_who_blocks_the_loop_is_told_where(outcome: dict[str, Any]) -> None:
    assert "block_the_loop try 1: the try blocks the event loop" in outcome["stderr"]
    assert "time.sleep(3)" in outcome["stderr"]

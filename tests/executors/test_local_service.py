"""Tries in real processes: what they do badly ends in the right state, and nobody else notices."""

from __future__ import annotations

import json
import os
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import attrs
import pytest

from flowcore.backends import Backend
from flowcore.clock import SystemClock
from flowcore.domain.dag_sources import DagSource
from flowcore.domain.workloads import TryEnded, TryOutcome
from flowcore.executors.child_stopping import Graces
from flowcore.executors.local import LocalExecutor
from flowcore.executors.local_service import LocalLimits
from flowcore.executors.worker_health import WorkerLimits
from flowcore.runner.logs.files import open_log_files
from flowcore.runner.logs.paths import log_path
from flowcore.runner.processes.owner import open_fork_server
from flowcore.sdk.loading import load_dag_source
from tests.executors.misbehaviour import misbehaviour
from tests.runner.tries import Reports, sources_of, workload_of

pytestmark = pytest.mark.slow

SUCCESS, FAILED = TryOutcome.SUCCESS, TryOutcome.FAILED
LIMITS = LocalLimits(workers=1, graces=Graces(3.0, 1.0), worker=WorkerLimits(ping_s=0.2, answer_s=1.0))
TAKES_THE_WORKER_ALONG = ("take_the_worker_along", "wait_for_the_worker_to_die")
#: What neighbours on the same event loop notice.
APART = {*TAKES_THE_WORKER_ALONG, "swallow_cancellation", "block_the_loop"}
TIMEOUT = "the try exceeded its execution_timeout of 2 s"


@attrs.frozen
class Sources:
    source: DagSource

    async def get(self, dag_version_id: int) -> DagSource:
        return self.source


class Catalogue:
    def has_dag(self, dag_id: str) -> bool:
        return True


@attrs.frozen
class Outcome:
    """What came of all tasks of the Dag file, carried out at the same time."""

    ends: dict[str, TryEnded]
    folder: Path

    def log(self, task_id: str) -> list[dict[str, str]]:
        path = self.folder / "logs" / log_path(workload_of(task_id))
        return [json.loads(line) for line in path.read_text().splitlines()]

    def events(self, task_id: str) -> list[str]:
        return [line["event"] for line in self.log(task_id)]


@asynccontextmanager
async def serving(folder: Path, backend: Backend):
    reports = Reports()
    async with (
        open_log_files(folder / "logs") as logs,
        open_fork_server() as forks,
        anyio.create_task_group() as nursery,
    ):
        executor = LocalExecutor(
            forks,
            Catalogue(),
            Sources(misbehaviour(str(folder))),
            sources_of(),
            clock=SystemClock(),
            backend=backend,
            limits=LIMITS,
            logs=logs,
        )
        await nursery.start(executor.serve, reports)
        yield executor, reports
        nursery.cancel_scope.cancel()


async def carry_out(folder: Path, backend: Backend, task_ids) -> Outcome:
    dag = load_dag_source(misbehaviour(str(folder)))[0].compile()
    async with serving(folder, backend) as (executor, reports):
        for number, task in enumerate(dag.tasks):
            if task.task_id in task_ids:
                work = workload_of(task.task_id, number, timeout_s=task.execution_timeout_s)
                executor.submit(attrs.evolve(work, runs_in=task.runs_in, backend=task.backend))
        with anyio.fail_after(40):
            await executor.wait_idle()
    return Outcome({end.workload.task_id: end for end in reports.ends}, folder)


@pytest.fixture(scope="module", params=list(Backend))
def outcome(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("misbehaviour")
    dag = load_dag_source(misbehaviour(str(folder)))[0].compile()
    task_ids = {task.task_id for task in dag.tasks} - APART
    return anyio.run(carry_out, folder, request.param, task_ids, backend=request.param)


@pytest.mark.parametrize("task_id", ["behave", "abehave"])
def test_neighbour_of_all_that_notices_nothing(outcome, task_id):
    end = outcome.ends[task_id]
    assert (end.outcome, end.xcoms) == (SUCCESS, {"return_value": '"fine"'})


FAILURES = {
    "exit_at_once": "ended with exit status 0 and without a report, so nobody knows whether the work is done",
    "exit_with_3": "ended with exit status 3 and without a report",
    "crash": "crashed in C code (SIGSEGV)",
    "be_killed": "was killed by SIGKILL, which flowcore did not send: perhaps by the kernel's OOM killer",
    "be_terminated_by_its_own_group": "was ended by SIGTERM, which flowcore did not send",
    "close_descriptors": "close no descriptors that it has not opened",
    "push_100_megabytes": "with 100,000,002 bytes of JSON",
    "write_garbage": "broke the protocol of its comms socket",
    "raise_odd": "Odd: odd",
    "raise_system_exit": "SystemExit: 1",
    "outlive_timeout": TIMEOUT,
    "outlive_timeout_in_c": f"{TIMEOUT}; it did not end when it was asked to",
    "swallow_interrupts": f"{TIMEOUT}; it did not end when it was asked to",
    "outlive_timeout_async": TIMEOUT,
    "araise_odd": "Odd: odd",
    "araise_system_exit": "SystemExit: 1",
}


@pytest.mark.parametrize(("task_id", "told"), FAILURES.items(), ids=FAILURES)
def test_bad_try_fails_with_a_reason(outcome, task_id, told):
    end = outcome.ends[task_id]
    assert end.outcome is FAILED
    assert told in end.error
    assert "the try failed" in outcome.events(task_id)


def test_daemon_of_a_try_is_gone_before_the_end_is_reported(outcome):
    assert outcome.ends["leave_a_daemon"].outcome is SUCCESS
    pid = int((outcome.folder / "daemon").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_try_that_is_interrupted_cleans_up(outcome):
    assert "cleaned up" in outcome.events("outlive_timeout")


def test_nothing_that_a_try_prints_is_lost(outcome):
    assert outcome.ends["print_megabytes"].outcome is SUCCESS
    events = outcome.events("print_megabytes")
    assert [event.split(" x")[0] for event in events if event.startswith("line")] == [
        f"line {number}" for number in range(50_000)
    ]
    assert sum(event.count("y") for event in events if event.startswith("y")) == 1_000_000


def test_what_was_printed_before_a_crash_is_kept_with_the_place_of_the_crash(outcome):
    events = outcome.events("crash")
    assert "before" in events
    assert any("Fatal Python error: Segmentation fault" in event for event in events)


def test_whatever_a_try_says_is_logged(outcome):
    events = outcome.events("say_from_everywhere")
    assert {"logged", "printed", "from a program", "from a thread"} <= set(events)
    assert any("UserWarning: warned" in event for event in events)
    assert outcome.events("asay") == ["printed", "from a thread"]


def test_coroutine_can_have_a_process_of_its_own(outcome):
    assert outcome.ends["alone"].outcome is SUCCESS


@pytest.mark.parametrize("backend", list(Backend))
def test_try_that_blocks_the_loop_is_told_so(tmp_path, backend):
    outcome = anyio.run(carry_out, tmp_path, backend, ("block_the_loop", "abehave"), backend=backend)
    assert [end.outcome for end in outcome.ends.values()] == [SUCCESS, SUCCESS]
    [warning] = [event for event in outcome.events("block_the_loop") if "blocks the event loop" in event]
    assert "time.sleep(3)" in warning


@pytest.mark.parametrize("backend", list(Backend))
def test_survivors_of_a_dead_worker_are_carried_out_again(tmp_path, backend):
    outcome = anyio.run(carry_out, tmp_path, backend, TAKES_THE_WORKER_ALONG, backend=backend)
    culprit, survivor = (outcome.ends[task_id] for task_id in TAKES_THE_WORKER_ALONG)
    assert (culprit.outcome, survivor.outcome) == (FAILED, SUCCESS)
    assert "ended with exit status 0 and without a report" in culprit.error
    assert survivor.xcoms == {"return_value": '"again"'}


@pytest.mark.parametrize("backend", list(Backend))
def test_try_that_swallows_its_cancellation_ends_nevertheless(tmp_path, backend):
    tasks = ("swallow_cancellation", "abehave")
    outcome = anyio.run(carry_out, tmp_path, backend, tasks, backend=backend)
    culprit, sibling = (outcome.ends[task_id] for task_id in tasks)
    assert (culprit.outcome, sibling.outcome) == (FAILED, SUCCESS)
    assert culprit.error.startswith(f"{TIMEOUT}; it did not end when it was cancelled")

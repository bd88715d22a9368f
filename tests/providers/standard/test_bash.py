from __future__ import annotations

import logging
import os
from contextlib import suppress

import anyio
import pytest

from flowcore.providers.standard.bash import BashOperator
from flowcore.sdk import DAG
from tests.support.dag_runs import run_task


class Sync(BashOperator):
    """What a subclass for Airflow looks like: a function, which runs in a process or thread."""

    def execute(self, context):
        return super().execute(context)


@pytest.fixture(params=[BashOperator, Sync], ids=["async", "sync"])
def bash(request):
    """Makes a Dag of one command."""

    def make(command, **arguments):
        with DAG("d") as dag:
            request.param("command", bash_command=command, **arguments)
        return dag

    return make


async def test_last_line_is_returned_and_all_are_logged(bash, caplog):
    caplog.set_level(logging.INFO)
    ended = await run_task(bash("echo first; echo second >&2; printf 'no newline: ü'"))
    assert (ended.state, ended.returned) == ("success", "no newline: ü")
    assert [m for m in caplog.messages if m in ("first", "second")] == ["first", "second"]


async def test_last_line_can_be_processed(bash):
    ended = await run_task(bash("echo '[1, 2]'", output_processor=len))
    assert ended.returned == 6


async def test_failure_names_the_exit_status(bash):
    ended = await run_task(bash("exit 3"))
    assert ended.state == "failed"
    assert "the command failed with exit status 3" in ended.error


@pytest.mark.parametrize(("given", "state"), [({}, "skipped"), ({"skip_on_exit_code": None}, "failed")])
async def test_exit_status_99_skips_unless_told_otherwise(bash, given, state):
    assert (await run_task(bash("exit 99", **given))).state == state


async def test_environment_is_replaced_or_added_to(bash, monkeypatch):
    monkeypatch.setenv("FROM_OUTSIDE", "outside")
    command = 'echo "$FROM_OUTSIDE $INSIDE"'
    assert (await run_task(bash(command))).returned == "outside "
    assert (await run_task(bash(command, env={"INSIDE": "in"}))).returned == " in"
    assert (await run_task(bash(command, env={"INSIDE": "in"}, append_env=True))).returned == "outside in"


async def test_folder_is_empty_and_deleted_unless_given(bash, tmp_path):
    used = (await run_task(bash("touch file; pwd"))).returned
    assert not await anyio.Path(used).exists()
    assert (await run_task(bash("pwd", cwd=str(tmp_path)))).returned == str(tmp_path)


async def test_missing_folder_is_named(bash):
    ended = await run_task(bash("pwd", cwd="/no/such/folder"))
    assert "cwd '/no/such/folder' is no folder; create it, or name another" in ended.error


async def test_undecodable_output_is_replaced(bash):
    assert (await run_task(bash(r"printf '\xff'"))).returned == "\ufffd"


@pytest.mark.slow
async def test_timeout_ends_the_command_and_its_children(bash, tmp_path):
    command = f"sleep 1000 & echo $! > {tmp_path}/pid; wait"
    ended = await run_task(bash(command, execution_timeout=2))
    assert (ended.state, "exceeded its execution_timeout" in ended.error) == ("failed", True)
    await wait_gone(int(await anyio.Path(tmp_path, "pid").read_text()))


async def wait_gone(pid: int) -> None:
    """Return once a process has ended, whoever is its parent."""
    with suppress(ProcessLookupError):
        descriptor = os.pidfd_open(pid)
        try:
            await anyio.wait_readable(descriptor)
        finally:
            os.close(descriptor)


@pytest.mark.parametrize("given", [{}, {"env": {"A": "a"}}])
async def test_command_is_told_which_try_it_belongs_to(bash, given):
    command = 'echo "$AIRFLOW_CTX_DAG_ID $AIRFLOW_CTX_TASK_ID $AIRFLOW_CTX_TRY_NUMBER $AIRFLOW_CTX_DAG_OWNER"'
    assert (await run_task(bash(command, **given))).returned == "d command 1 airflow"

from __future__ import annotations

from datetime import UTC, datetime

import anyio
import attrs
import pytest

import flowcore
from flowcore.app.options import Options
from flowcore.database.queries.listing_runs import list_runs
from flowcore.errors import DagError
from flowcore.providers.standard.trigger_dagrun import TriggerDagRunOperator
from flowcore.sdk import DAG, task
from flowcore.settings import ExecutorName


class Sync(TriggerDagRunOperator):
    """What a subclass for Airflow looks like: a function."""

    def execute(self, context):
        return super().execute(context)


@task
async def child(ti, dag_run):
    if dag_run.conf.get("fails"):
        raise ValueError("as told")
    return dict(dag_run.conf)


@pytest.fixture(params=[TriggerDagRunOperator, Sync], ids=["async", "sync"])
def operator(request):
    return request.param


def parent_of(operator=TriggerDagRunOperator, **arguments):
    with DAG("parent") as dag:
        arguments = {"trigger_dag_id": "child", "poke_interval": 0.01, "retry_delay": 0, **arguments}
        operator("trigger", **arguments)
    return dag


@attrs.define
class Ended:
    """How the parent ended, and the runs of the child in their order."""

    state: str
    error: str | None
    pushed: object
    tries: int
    children: list


async def run(parent, *, before=None):
    with DAG("child") as dag:
        child()
    options = Options(creates_dag_runs=False)
    async with flowcore.open("sqlite://", dags=[parent, dag], options=options) as fc:
        if before is not None:
            await before(fc)
        with anyio.fail_after(60):
            triggering = await fc.trigger("parent", logical_date=datetime(2026, 1, 2, tzinfo=UTC))
            await triggering.wait()
            [one] = await triggering.task_instances()
            pushed = await triggering.xcom("trigger", "trigger_run_id")
            return Ended(str(one.state), one.error, pushed, one.try_number, await children(fc))


async def children(fc):
    latest_first = await fc.database.read(list_runs, "child")
    return latest_first[::-1]


async def test_a_run_is_made_with_its_conf_and_waited_for(operator):
    ended = await run(parent_of(operator, conf={"day": "{{ ds }}"}, wait_for_completion=True))
    assert (ended.state, ended.error) == ("success", None)
    [made] = ended.children
    assert (made.run_id, made.state, made.run_type) == (ended.pushed, "success", "operator_triggered")


async def test_nobody_waits_unless_asked(operator):
    ended = await run(parent_of(operator, conf={"fails": True}))
    assert (ended.state, [made.run_id for made in ended.children]) == ("success", [ended.pushed])


async def test_a_retry_after_a_failed_run_makes_another_one(operator):
    ended = await run(parent_of(operator, conf={"fails": True}, wait_for_completion=True, retries=1))
    assert (ended.state, ended.tries) == ("failed", 2)
    assert f"run {ended.children[1].run_id!r} of Dag 'child' is failed" in ended.error
    assert [made.state for made in ended.children] == ["failed", "failed"]


async def test_states_of_the_run_say_how_the_task_ends():
    ended = await run(
        parent_of(conf={"fails": True}, wait_for_completion=True, allowed_states=["failed"], failed_states=[])
    )
    assert ended.state == "success"


async def taken(fc):
    await (await fc.trigger("child", run_id="named")).wait()


@pytest.mark.parametrize(
    ("arguments", "state", "made"),
    [
        ({}, "failed", ["named"]),
        ({"skip_when_already_exists": True}, "skipped", ["named"]),
        ({"reset_dag_run": True, "wait_for_completion": True}, "success", ["named"]),
    ],
)
async def test_a_run_that_is_there_already(arguments, state, made):
    ended = await run(parent_of(trigger_run_id="named", retries=2, **arguments), before=taken)
    assert (ended.state, [one.run_id for one in ended.children], ended.tries) == (state, made, 1)


async def test_logical_dates_are_templates():
    ended = await run(parent_of(logical_date="{{ logical_date }}", run_after="2026-01-03"))
    [made] = ended.children
    assert (made.logical_date.day, made.run_after.day) == (2, 3)


async def test_a_run_may_have_no_logical_date():
    ended = await run(parent_of(logical_date=None))
    assert [made.logical_date for made in ended.children] == [None]


async def paused(fc):
    await fc.pause("child")


async def test_a_paused_dag_fails_the_task_if_that_is_asked():
    ended = await run(parent_of(fail_when_dag_is_paused=True), before=paused)
    assert (ended.state, ended.children) == ("failed", [])
    assert "Dag child is paused; unpause it" in ended.error


async def test_an_unknown_dag_is_named():
    ended = await run(parent_of(trigger_dag_id="chidl"))
    assert "there is no Dag 'chidl'; known: child, parent" in ended.error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"conf": "[1]"}, "make it a dict"),
        ({"conf": "{"}, "is no JSON"),
        ({"logical_date": "soon"}, "ISO text"),
    ],
)
async def test_what_cannot_be_used_is_told_when_it_runs(arguments, message):
    assert message in (await run(parent_of(**arguments))).error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"poke_interval": 0}, "give one above 0"),
        ({"allowed_states": ["skipped"]}, "use queued, running, success, failed"),
    ],
)
def test_what_cannot_be_used_is_told_when_the_file_is_read(arguments, message):
    with pytest.raises(DagError, match=message):
        parent_of(**arguments)


async def cleared(fc):
    for _ in range(2):
        triggering = await fc.trigger("parent", run_id=f"before-{_}")
        await triggering.wait()
        await triggering.clear()
        await triggering.wait()


async def test_a_task_that_was_cleared_does_its_work_again():
    ended = await run(parent_of(), before=cleared)
    assert len({made.run_id for made in ended.children}) == 5


IN_A_FOLDER = """
from flowcore.providers.standard.trigger_dagrun import TriggerDagRunOperator
from flowcore.sdk import DAG, task
from flowcore.settings import ExecutorName


class Sync(TriggerDagRunOperator):
    def execute(self, context):
        return super().execute(context)


with DAG("child"):

    @task
    async def work(dag_run):
        return dag_run.conf["n"]

    work()

with DAG("parent"):
    given = {"trigger_dag_id": "child", "wait_for_completion": True, "poke_interval": 0.1}
    Sync("in_a_process", conf={"n": 1}, **given)
    TriggerDagRunOperator("in_a_worker", conf={"n": 2}, **given)
"""


@pytest.mark.slow
async def test_runs_are_made_for_tries_in_other_processes(tmp_path):
    folder = tmp_path / "dags"
    folder.mkdir()
    (folder / "both.py").write_text(IN_A_FOLDER)
    url = f"sqlite:///{tmp_path}/flow.db"
    options = Options(creates_dag_runs=False, executor=ExecutorName.LOCAL)
    async with flowcore.open(url, dags_folder=folder, options=options) as fc:
        with anyio.fail_after(120):
            await fc.folder.wait_settled()
            triggering = await fc.trigger("parent")
            assert await triggering.wait() == "success"
            made = [await fc.run("child", one.run_id) for one in await children(fc)]
            assert sorted([await one.xcom("work") for one in made]) == [1, 2]

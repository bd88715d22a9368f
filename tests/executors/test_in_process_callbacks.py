from __future__ import annotations

import threading

import anyio
import attrs
import pytest

from flowcore.clock import SystemClock
from flowcore.domain.dag_callbacks import LastTask, Occasion
from flowcore.domain.states import TaskInstanceState
from flowcore.errors import DagError, DatabaseUnavailable
from flowcore.executors.in_process_callbacks import InProcessCallbacks
from flowcore.sdk import DAG, BaseNotifier, task
from tests.runner.tries import MOMENT, sources_of
from tests.scheduler.test_callback_calls import callback

LAST = LastTask(
    task_instance_id=5,
    task_id="t",
    position=0,
    map_index=-1,
    try_number=2,
    max_tries=3,
    state=TaskInstanceState.FAILED,
    start_date=MOMENT,
    end_date=MOMENT,
)


@attrs.define
class Dags:
    found: DAG | None
    error: Exception | None = None

    def has_dag(self, dag_id):
        return True

    async def dag(self, run):
        await anyio.lowlevel.checkpoint()
        if self.found is None:
            raise self.error or DagError("it is not here")
        return self.found


def dag_with(**callbacks):
    with DAG("d", **callbacks) as dag:
        task(task_id="t")(lambda: None)()
    return dag


async def call(dags, wanted=None, **options):
    caller = InProcessCallbacks(dags, sources_of(), clock=SystemClock(), **options)
    with anyio.fail_after(30):
        return await caller.call(wanted or callback())


async def test_functions_and_coroutines_are_called_in_their_order():
    said = []

    async def second(context):
        await anyio.lowlevel.checkpoint()
        said.append(context["reason"])

    class Third(BaseNotifier):
        template_fields = ("text",)

        def __init__(self, text):
            self.text = text

        def notify(self, context):
            said.append(self.text)

    first = lambda context: said.append(context["dag_run"].state)  # noqa: E731
    dag = dag_with(on_success_callback=[first, second, Third("{{ run_id }} of {{ dag.dag_id }}")])
    assert await call(Dags(dag)) is None
    assert said == ["success", "success", "manual__1 of d"]


async def test_context_has_the_task_that_tells_most():
    seen = []
    dag = dag_with(on_failure_callback=seen.append)
    await call(Dags(dag), attrs.evolve(callback(), occasion=Occasion.FAILURE, reason="timed_out", last=LAST))
    [context] = seen
    ti = context["ti"]
    assert (ti.task_id, ti.state, ti.try_number, ti.id) == ("t", "failed", 2, 5)
    assert (context["reason"], context["dag_run"].state) == ("timed_out", "failed")
    assert context["dag_run"].end_date == MOMENT


async def test_task_that_the_dag_has_no_more_costs_nobody_the_call():
    seen = []
    last = attrs.evolve(LAST, task_id="gone")
    await call(Dags(dag_with(on_success_callback=seen.append)), attrs.evolve(callback(), last=last))
    assert "ti" not in seen[0]
    assert seen[0]["run_id"] == "manual__1"


async def test_what_raises_is_told_and_keeps_nobody_from_being_called():
    seen = []

    def breaks(context):
        raise ValueError("no mail today")

    problem = await call(Dags(dag_with(on_success_callback=[breaks, seen.append])))
    assert problem == "breaks raised ValueError: no mail today"
    assert len(seen) == 1


async def test_what_hangs_is_left_behind():
    let_go = threading.Event()
    try:
        dag = dag_with(on_success_callback=lambda context: let_go.wait(60))
        assert "took longer than 0 s and are left behind" in await call(Dags(dag), limit_s=0.0)
    finally:
        let_go.set()


async def test_dag_that_is_not_here_is_a_problem():
    assert await call(Dags(None)) == "it is not here"


async def test_database_that_is_away_is_no_problem_of_the_callbacks():
    with pytest.raises(DatabaseUnavailable):
        await call(Dags(None, DatabaseUnavailable("away")))

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

import anyio.to_thread
import pytest

from flowcore.domain.dag_outlines import DagOutline, GroupOutline
from flowcore.domain.dag_runs import PastTaskInstance, RunFilter, TaskInstanceFilter
from flowcore.domain.states import DagRunState, TaskInstanceState
from flowcore.errors import DagRunNotFound, UsageError
from flowcore.sdk import DAG, BaseOperator, TaskGroup
from tests.runner.tries import DATED_RUN, MOMENT, RUN, Runs, past_run, ti_of

BEFORE = past_run("before", start_date=MOMENT)
PAST = [
    PastTaskInstance(
        dag_id="d", run_id=run_id, task_id="t", map_index=index, try_number=1, state=state, start_date=MOMENT
    )
    for run_id, index, state in [("a", -1, TaskInstanceState.FAILED), ("b", 0, None)]
]
QUESTIONS = [
    ("get_previous_dagrun", (), {}, BEFORE),
    ("get_previous_dagrun", ("failed",), {}, None),
    ("get_previous_ti", (), {}, PAST[0]),
    ("get_dagrun_state", ("d", "before"), {}, "success"),
    ("get_dr_count", ("d",), {"states": [DagRunState.SUCCESS], "logical_dates": [MOMENT]}, 1),
    ("get_ti_count", ("d",), {"task_ids": ["t"], "states": ["success", None]}, 2),
    ("get_task_states", ("d",), {"run_ids": ["a", "b"]}, {"a": {"t": "failed"}, "b": {"t_0": None}}),
]


def asked(runs=None, run=DATED_RUN):
    runs = runs or Runs([BEFORE], PAST)
    return ti_of(BaseOperator("t"), run=run, runs=runs), runs


@pytest.mark.parametrize(("name", "args", "kwargs", "expected"), QUESTIONS)
async def test_functions_and_coroutines_get_the_same_answer(name, args, kwargs, expected):
    ti, runs = asked()
    assert await getattr(ti, f"a{name}")(*args, **kwargs) == expected
    assert await anyio.to_thread.run_sync(partial(getattr(ti, name), *args, **kwargs)) == expected
    assert runs.questions[0] == runs.questions[1]


async def test_what_is_meant_is_said_in_full():
    ti, runs = asked()
    await ti.aget_ti_count("e", 3, task_ids=["t"], run_ids=["r"], logical_dates=[MOMENT], states=[None])
    await ti.aget_dr_count("e", run_ids=[])
    assert runs.questions == [
        TaskInstanceFilter(
            dag_id="e",
            run_ids=("r",),
            logical_dates=(MOMENT,),
            task_ids=("t",),
            map_index=3,
            states=("none",),
        ),
        RunFilter(dag_id="e", run_ids=()),
    ]


@pytest.fixture
async def grouped():
    with DAG("d") as dag, TaskGroup("outer"):
        BaseOperator("a")
        with TaskGroup("inner"):
            BaseOperator("b")
    runs = Runs([], PAST)
    return ti_of(dag.get_task("outer.a"), runs=runs), runs


@pytest.mark.parametrize(
    ("group", "task_ids", "meant"),
    [
        ("outer", None, ("outer.a", "outer.inner.b")),
        ("outer.inner", None, ("outer.inner.b",)),
        ("outer", ["outer.a", "x"], ("outer.a",)),
    ],
)
async def test_group_stands_for_the_tasks_in_it(grouped, group, task_ids, meant):
    ti, runs = grouped
    await ti.aget_ti_count("d", task_ids=task_ids, task_group_id=group)
    await ti.aget_task_states("d", None, task_ids, group)
    assert [question.task_ids for question in runs.questions] == [meant, meant]


async def test_group_of_another_dag_is_that_of_its_latest_version(grouped):
    ti, runs = grouped
    group = GroupOutline("g", ("g.x", "g.y"))
    runs.outlines = [
        DagOutline(dag_id="e", is_active=True, is_paused=False, task_ids=group.task_ids, groups=(group,))
    ]
    await ti.aget_ti_count("e", task_group_id="g")
    asked, counted = runs.questions
    assert (asked, counted.task_ids) == ("e", ("g.x", "g.y"))


@pytest.mark.parametrize(
    ("dag_id", "told"),
    [
        ("d", "'d' has no task group 'none'; it has outer, outer.inner"),
        ("e", "it has none"),
    ],
)
async def test_group_that_is_not_known_is_refused(grouped, dag_id, told):
    with pytest.raises(UsageError, match=told):
        await grouped[0].aget_ti_count(dag_id, task_group_id="none")


async def test_without_a_logical_date_nothing_comes_before():
    ti, runs = asked(run=RUN)
    assert (await ti.aget_previous_dagrun(), await ti.aget_previous_ti()) == (None, None)
    assert runs.questions == []


async def test_the_instance_before_may_be_that_of_another_date():
    ti, runs = asked(run=RUN)
    await ti.aget_previous_ti("success", MOMENT - timedelta(days=1), map_index=2)
    others = {"map_index": 2, "before": MOMENT - timedelta(days=1), "state": "success"}
    assert runs.questions == [("d", "t", others)]


async def test_a_run_that_does_not_exist_is_an_error():
    ti, _ = asked()
    with pytest.raises(DagRunNotFound, match="'d' has no run 'none'"):
        await ti.aget_dagrun_state("d", "none")


async def test_what_cannot_be_meant_is_refused():
    ti, _ = asked()
    with pytest.raises(UsageError, match="'t' is one name where several belong"):
        await ti.aget_ti_count("d", task_ids="t")
    with pytest.raises(UsageError, match="has no time zone"):
        await ti.aget_dr_count("d", logical_dates=[datetime(2024, 1, 1)])  # noqa: DTZ001


async def test_blocking_on_the_loop_is_refused_with_the_way_out():
    ti, _ = asked()
    with pytest.raises(UsageError, match=r"use `await ti\.aget_dagrun_state"):
        ti.get_dagrun_state("d", "before")


def test_a_past_try_says_how_long_it_took():
    past = PastTaskInstance(
        dag_id="d",
        run_id="r",
        task_id="t",
        map_index=-1,
        try_number=1,
        start_date=MOMENT,
        end_date=MOMENT.astimezone(UTC) + timedelta(seconds=90),
    )
    assert (past.duration, PAST[0].duration) == (90.0, None)

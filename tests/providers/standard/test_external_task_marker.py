from __future__ import annotations

from datetime import UTC, datetime, timedelta

import anyio
import pytest

import flowcore
from flowcore.app.options import Options
from flowcore.errors import DagError, UsageError
from flowcore.providers.standard.empty import EmptyOperator
from flowcore.providers.standard.external_task_marker import ExternalTaskMarker
from flowcore.sdk import DAG

DAYS = [datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2)]


def chained(name, to=None, **arguments):
    """A Dag of `before`, `first`, and `mark`, which marks `first` of another one, in this order."""
    with DAG(name) as dag:
        tasks = EmptyOperator("before") >> EmptyOperator("first")
        if to is not None:
            tasks >> ExternalTaskMarker("mark", external_dag_id=to, external_task_id="first", **arguments)
    return dag


async def cleared(dags, *, days=DAYS[:1], **options):
    """What is cleared when `first` of the first Dag is, with all after it."""
    async with flowcore.open("sqlite://", dags=dags, options=Options(creates_dag_runs=False)) as fc:
        with anyio.fail_after(60):
            for dag in dags:
                for day in days:
                    await (await fc.trigger(dag.dag_id, run_id=f"r{day.day}", logical_date=day)).wait()
            run = await fc.run(dags[0].dag_id, "r1")
            changed = await run.clear("first", downstream=True, **options)
            for dag in dags:
                for day in days:
                    assert await (await fc.run(dag.dag_id, f"r{day.day}")).wait() == "success"
            return [f"{one.dag_id}.{one.task_id}@{one.run_id}" for one in changed]


async def test_what_depends_on_a_marker_is_cleared_with_it_over_several_dags():
    dags = [chained("a", to="b"), chained("b", to="c"), chained("c")]
    assert await cleared(dags) == [
        *("a.first@r1", "a.mark@r1"),
        *("b.first@r1", "b.mark@r1"),
        "c.first@r1",
    ]


async def test_a_marker_that_is_not_cleared_clears_nothing():
    dags = [chained("a", to="b"), chained("b")]
    assert await cleared(dags, only_failed=True) == []


async def test_dates_may_be_templates():
    later = "{{ (logical_date + macros.timedelta(days=1)).isoformat() }}"
    dags = [chained("a", to="b", logical_date=later), chained("b")]
    assert await cleared(dags, days=DAYS) == ["a.first@r1", "a.mark@r1", "b.first@r2"]


async def test_what_two_markers_mark_is_cleared_once():
    with DAG("a") as first:
        start = EmptyOperator("first")
        for name in ("first", "mark"):
            start >> ExternalTaskMarker(f"to_{name}", external_dag_id="b", external_task_id=name)
    dags = [first, chained("b", to="c"), chained("c")]
    assert sorted(await cleared(dags)) == [
        *("a.first@r1", "a.to_first@r1", "a.to_mark@r1"),
        *("b.first@r1", "b.mark@r1", "c.first@r1"),
    ]


@pytest.mark.parametrize(
    ("dags", "message"),
    [
        (
            [chained("a", to="b"), chained("b", to="a")],
            r"go in a circle: b\.first of 2026-01-01T00:00:00\+00:00 → a\.first of .*; remove one",
        ),
        (
            [chained("a", to="b", recursion_depth=1), chained("b", to="c"), chained("c")],
            "more than 1 marks of tasks in other Dags follow each other: .*; raise the recursion_depth",
        ),
        ([chained("a", to="nowhere")], "there is no Dag 'nowhere'"),
    ],
)
async def test_marks_that_cannot_be_followed_are_told(dags, message):
    with pytest.raises(UsageError, match=message):
        await cleared(dags)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"recursion_depth": 0}, "give one above 0"),
        ({"logical_date": timedelta()}, "give a datetime or a text"),
    ],
)
def test_what_cannot_be_used_is_refused(arguments, message):
    with pytest.raises(DagError, match=message):
        chained("a", to="b", **arguments)

from __future__ import annotations

from flowcore.domain.dag_outlines import GroupOutline, outline_of
from flowcore.providers.standard.empty import EmptyOperator
from flowcore.sdk import DAG, TaskGroup


def test_groups_have_the_tasks_of_the_groups_in_them():
    with DAG("d") as dag:
        EmptyOperator("alone")
        with TaskGroup("outer"):
            EmptyOperator("a")
            with TaskGroup("inner"):
                EmptyOperator("b")
    outline = outline_of(dag.compile(), is_active=True, is_paused=False)
    assert outline.groups == (
        GroupOutline("outer", ("outer.a", "outer.inner.b")),
        GroupOutline("outer.inner", ("outer.inner.b",)),
    )
    assert (outline.tasks_in("none"), "alone" in outline.task_ids) == (None, True)

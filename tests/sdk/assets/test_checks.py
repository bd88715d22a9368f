from __future__ import annotations

import pytest

from flowcore.errors import DagError
from flowcore.sdk import DAG, Asset, AssetAlias, task

A, B = Asset("a"), Asset("b")


def dag_with(schedule, *outlets):
    with DAG("loop", schedule=schedule) as dag:

        @task(outlets=[*outlets])
        def work():
            pass

        work()
    return dag


@pytest.mark.parametrize(
    ("schedule", "outlet"),
    [
        (A, A),
        (A | B, A),
        (Asset.ref(name="a"), A),
        (AssetAlias("x"), AssetAlias("x")),
        (A, Asset.ref(uri="a")),
    ],
)
def test_a_dag_that_would_start_itself_is_refused(schedule, outlet):
    with pytest.raises(DagError, match="waits for assets that its own tasks update"):
        dag_with(schedule, outlet).compile()


def test_a_dag_may_wait_for_its_own_update_and_another():
    compiled = dag_with(A & B, A).compile()
    assert compiled.tasks[0].outlets == ({"asset": {"name": "a", "uri": "a", "group": "asset"}},)


def test_one_name_for_two_uris_is_refused():
    with pytest.raises(DagError, match="give it one, or another name"):
        dag_with(Asset("a", "s3://x"), Asset("a", "s3://y")).compile()

from __future__ import annotations

import pytest

from flowcore.domain.assets import Asset, AssetAll
from flowcore.errors import DagError
from flowcore.sdk.assets.functions import asset
from flowcore.sdk.nesting import collecting_dags


def test_a_function_becomes_an_asset_and_a_dag():
    with collecting_dags() as dags:

        @asset(schedule="@daily", uri="s3://shop/orders", extra={"owner": "me"})
        def orders(self, customers, outlet_events):
            """All orders."""

    assert orders == Asset("orders", "s3://shop/orders", extra={"owner": "me"})
    [dag] = dags
    [task] = dag.tasks
    assert (dag.dag_id, task.task_id, task.doc_md) == ("orders", "orders", "All orders.")
    assert (list(task.inlets), list(task.outlets)) == ([Asset.ref(name="customers")], [orders])


def test_a_function_may_make_several():
    with collecting_dags() as dags:

        @asset.multi(schedule=None, outlets=[Asset("a"), Asset("b")], dag_id="both")
        async def make(context): ...

    assert make == AssetAll(Asset("a"), Asset("b"))
    assert [dag.dag_id for dag in dags] == ["both"]


@pytest.mark.parametrize("function", [lambda *args: None, lambda **kwargs: None, lambda a, /: None])
def test_parameters_that_name_no_asset_are_refused(function):
    with pytest.raises(DagError, match="like the assets that it reads"):
        asset(name="made")(function)


def test_one_of_several_cannot_be_itself():
    with pytest.raises(DagError, match="leave out `self`"):
        asset.multi(outlets=[Asset("a")], dag_id="several")(lambda self: None)

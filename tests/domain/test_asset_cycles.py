from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowcore.domain.asset_conditions import is_met
from flowcore.domain.asset_cycles import asset_cycle, cycle_complaint
from flowcore.domain.assets import Asset, AssetAlias, AssetAny
from flowcore.domain.dag_assets import DagAssets
from flowcore.scheduler.decisions.create_asset_runs import PendingAsset
from tests.support.scheduling import NOW

A, B, C, X = Asset("a"), Asset("b"), Asset("c"), AssetAlias("x")
LOAD = DagAssets("load", B, [A])


@pytest.mark.parametrize(
    ("dags", "cycle"),
    [
        ([DagAssets("load", A, [A])], ("load",)),
        ([LOAD, DagAssets("report", A, [B])], ("report", "load")),
        ([LOAD, DagAssets("bystander", A, [C]), DagAssets("report", A, [B])], ("report", "load")),
        ([LOAD, DagAssets("second", C, [B]), DagAssets("first", A, [C])], ("first", "second", "load")),
        ([LOAD, DagAssets("report", A | C, [B])], ("report", "load")),
        ([DagAssets("load", A & B, [A]), DagAssets("report", A, [B])], ("report", "load")),
        ([DagAssets("load", X, [A]), DagAssets("report", A, [X])], ("report", "load")),
        ([DagAssets("load", Asset.ref(name="b"), [A]), DagAssets("report", A, [B])], ("report", "load")),
        ([DagAssets("load", B, [A]), DagAssets("report", A, [Asset.ref(uri="b")])], ("report", "load")),
    ],
)
def test_dags_that_start_each_other_are_a_cycle(dags, cycle):
    assert asset_cycle("load", dags) == cycle


@pytest.mark.parametrize(
    "dags",
    [
        [LOAD, DagAssets("report", A, [C])],
        [LOAD, DagAssets("report", A & C, [B])],
        [LOAD, DagAssets("report", None, [B])],
        [DagAssets("load", None, [A]), DagAssets("one", B, [C]), DagAssets("two", C, [B])],
    ],
)
def test_what_waits_for_something_else_as_well_is_none(dags):
    assert asset_cycle("load", dags) == ()


_assets = st.sampled_from([A, B, C])
_conditions = st.one_of(_assets, st.tuples(_assets, _assets).map(lambda two: AssetAny(*two)))
_dags = st.lists(
    st.tuples(st.sampled_from("pqrs"), _conditions, st.lists(_assets, max_size=2)),
    unique_by=lambda dag: dag[0],
).map(lambda dags: [DagAssets(*dag) for dag in dags])


@pytest.mark.slow
@given(_dags)
def test_each_dag_of_a_cycle_starts_by_what_those_before_it_update(dags):
    by_id = {dag.dag_id: dag for dag in dags}
    for dag in dags:
        cycle = asset_cycle(dag.dag_id, dags)
        updated = [dag.outlets] if cycle else []
        for dag_id in cycle:
            pending = [PendingAsset(a.key, frozenset(), 1, NOW) for outlets in updated for a in outlets]
            assert is_met(by_id[dag_id].condition, pending)
            updated.append(by_id[dag_id].outlets)


def test_a_complaint_names_the_dags_and_the_remedy():
    assert cycle_complaint(("report", "load")).startswith("Dags 'report', 'load' update what")
    assert cycle_complaint(("report", "load")).endswith("take an asset out of `outlets`")

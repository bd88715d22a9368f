from __future__ import annotations

import os

import pytest

from flowcore.domain.assets import Asset, AssetAlias, AssetAll, AssetAny, AssetKey, Model
from flowcore.errors import DagError

A, B, C = Asset("a"), Asset("b"), Asset("c")


def test_name_and_uri_stand_for_each_other():
    assert Asset("orders").key == AssetKey("orders", "orders")
    assert Asset(uri="s3://bucket/orders/").key == AssetKey("s3://bucket/orders/", "s3://bucket/orders")


def test_an_asset_is_a_path():
    assert os.fspath(Asset("orders", "s3://bucket/orders")) == "s3://bucket/orders"


def test_the_group_is_the_kind_of_asset_unless_given():
    assert [Asset("a").group, Model("a").group, Asset("a", group="raw").group] == ["asset", "model", "raw"]


def test_assets_with_the_same_parts_are_the_same():
    assert Asset("a", extra={"x": 1}) == Asset("a", extra={"x": 1}) != Asset("a")
    assert len({Asset("a"), Asset("a"), Asset("b")}) == 2


def test_operators_combine_assets():
    assert AssetAny(AssetAll(A, B), C) == A & B | C
    assert list((A & B | C).parts()) == [A, B, C]


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: Asset(), "give it one of them"),
        (lambda: Asset(" "), "use a text of"),
        (lambda: Asset("self"), "choose another"),
        (lambda: AssetAlias(""), "use a text of"),
        (lambda: AssetAll(), "name at least one"),
        (lambda: AssetAny("orders"), "give it assets"),
        (lambda: Asset.ref(), "give it one of them"),
        (lambda: Asset.ref(name="a", uri="b"), "give it one of them"),
    ],
)
def test_what_is_no_asset_is_refused(make, complaint):
    with pytest.raises(DagError, match=complaint):
        make()

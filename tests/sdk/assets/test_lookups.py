from __future__ import annotations

import pytest

from flowcore.errors import UsageError
from flowcore.sdk import Asset, AssetAlias
from flowcore.sdk.assets.events import OutletEvents
from flowcore.sdk.assets.lookups import meant_among

ORDERS, STOCK, DAILY = Asset("orders", "s3://shop/orders"), Asset("stock"), AssetAlias("daily")


@pytest.mark.parametrize(
    ("wanted", "known"),
    [
        (Asset("orders", "s3://shop/orders"), ORDERS),
        (Asset.ref(name="orders"), ORDERS),
        (Asset.ref(uri="s3://shop/orders/"), ORDERS),
        (ORDERS, Asset.ref(name="orders")),
        (Asset.ref(name="x"), Asset.ref(name="x")),
        (AssetAlias("daily", group="g"), DAILY),
    ],
)
def test_an_asset_is_found_by_what_means_it(wanted, known):
    assert meant_among(wanted, [STOCK, known]) is known


@pytest.mark.parametrize("wanted", [Asset("orders", "s3://else"), Asset.ref(uri="s3://x"), AssetAlias("x")])
def test_what_nothing_means_is_not_found(wanted):
    assert meant_among(wanted, [ORDERS, DAILY, Asset.ref(name="stock")]) is None


def test_values_are_looked_up_by_names():
    events = OutletEvents([ORDERS, DAILY])
    assert events.for_asset(name="orders") is events[ORDERS]
    assert events.for_asset(uri="s3://shop/orders") is events[ORDERS]
    assert events.for_asset(name="orders", uri="s3://shop/orders") is events[ORDERS]
    assert events.for_asset_alias(name="daily") is events[DAILY]


def test_a_lookup_by_nothing_is_refused():
    with pytest.raises(UsageError, match="give it one of them"):
        OutletEvents([ORDERS]).for_asset()

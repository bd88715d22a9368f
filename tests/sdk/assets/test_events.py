from __future__ import annotations

import pytest

from flowcore.domain.assets import Asset, AssetAlias, AssetUpdate
from flowcore.errors import UsageError
from flowcore.sdk.assets.events import Metadata, OutletEvents

ORDERS, STOCK, DAILY = Asset("orders", extra={"owner": "me"}), Asset("stock"), AssetAlias("daily")


def test_every_asset_among_the_outlets_is_updated():
    events = OutletEvents([ORDERS, Asset.ref(name="elsewhere")])
    events[Asset("orders")].extra["rows"] = 3
    assert list(events.updates()) == [
        AssetUpdate(name="orders", uri="orders", asset_extra={"owner": "me"}, extra={"rows": 3}),
        AssetUpdate(name="elsewhere", uri=""),
    ]


def test_what_is_added_to_an_alias_is_updated_through_it():
    events = OutletEvents([DAILY])
    events[DAILY].add(STOCK, {"rows": 3})
    events[DAILY].add(STOCK, {"rows": 3})
    events.note(Metadata(STOCK, {"rows": 4}, alias=DAILY))
    assert [(one.name, one.alias, one.extra) for one in events.updates()] == [
        ("stock", "daily", {"rows": 3}),
        ("stock", "daily", {"rows": 4}),
    ]


def test_each_partition_that_is_added_is_updated():
    events = OutletEvents([ORDERS, STOCK], partition_key="of the run")
    events[ORDERS].add_partitions(["us", "eu"])
    events[ORDERS].add_partitions("us")
    assert [(one.name, one.partition_key) for one in events.updates()] == [
        ("orders", "us"),
        ("orders", "eu"),
        ("stock", "of the run"),
    ]


def test_metadata_adds_to_the_extra():
    events = OutletEvents([ORDERS])
    events.note(Metadata(ORDERS, {"a": 1}))
    events.note(Metadata(ORDERS, {"b": 2}))
    assert events[ORDERS].extra == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("use", "complaint"),
    [
        (lambda events: events[STOCK], "add it to `outlets`"),
        (lambda events: events["orders"], "by an Asset or an AssetAlias"),
        (lambda events: events[ORDERS].add(STOCK), "set the .extra"),
        (lambda events: events[DAILY].add("stock"), "add an Asset"),
        (lambda events: events[DAILY].add_partitions("us"), "add partitions to those themselves"),
        (lambda events: events[ORDERS].add_partitions(" "), "1 to 250 characters"),
    ],
)
def test_what_is_no_outlet_is_refused(use, complaint):
    with pytest.raises(UsageError, match=complaint):
        use(OutletEvents([ORDERS, DAILY]))

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from flowcore.domain.assets import AssetEvent, AssetKey
from flowcore.sdk import Asset, AssetAlias
from flowcore.sdk.assets.seen_events import InletEvents, NotUpdated, TriggeringAssetEvents
from flowcore.sdk.comms.asset_messages import AssetEventsFound, GetAssetEvents
from flowcore.sdk.templates.environments import Templates

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ORDERS, DAILY = Asset("orders", "s3://shop/orders"), AssetAlias("daily")


def event(number, alias=None):
    key = AssetKey("orders", "s3://shop/orders")
    return AssetEvent(id=number, asset=key, timestamp=NOW, extra={"rows": number}, alias=alias)


class Events:
    """Answers each request with one event, and keeps the request."""

    def send(self, request):
        self.request = request
        return AssetEventsFound((event(7),))


def test_consumed_events_are_found_by_asset_reference_and_alias():
    first, second = event(1), event(2, alias="daily")
    found = TriggeringAssetEvents(lambda: (first, second))
    assert found[ORDERS] == found[Asset.ref(name="orders")] == [first, second]
    assert found[DAILY] == found.for_asset_alias(name="daily") == [second]
    assert list(found) == [ORDERS, DAILY]


def test_what_did_not_start_the_run_is_absent():
    found = TriggeringAssetEvents(lambda: (event(1),))
    assert found.get(Asset("stock"), ()) == ()
    with pytest.raises(NotUpdated, match=r"only of Asset\(name='orders'"):
        found[Asset("stock")]


@pytest.mark.parametrize(
    ("expression", "request_"),
    [
        ("inlet_events.for_asset(uri='s3://shop/orders')", GetAssetEvents(1000, uri="s3://shop/orders")),
        ("inlet_events.for_asset(name='orders')", GetAssetEvents(1000, name="orders")),
        ("inlet_events.for_asset_alias(name='daily')", GetAssetEvents(1000, alias="daily")),
        ("inlet_events[0]", GetAssetEvents(1000, name="orders", uri="s3://shop/orders")),
    ],
)
def test_templates_read_events_of_inlets(expression, request_):
    comms = Events()
    text = "{{ " + expression + "[-1].extra | tojson }}"
    assert Templates().render_text(text, {"inlet_events": InletEvents([ORDERS], comms)}) == '{"rows": 7}'
    assert comms.request == request_

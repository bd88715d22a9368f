from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flowcore.domain.assets import Asset
from flowcore.scheduler.decisions.create_asset_runs import PendingAsset, asset_run

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
A, B = Asset("a"), Asset("b")


def pending(asset, event_id):
    return PendingAsset(asset.key, frozenset(), event_id, NOW + timedelta(minutes=event_id))


def test_a_run_is_named_after_its_newest_event():
    run = asset_run(A & B, [pending(A, 7), pending(B, 5)])
    assert run is not None
    assert run.run_after == NOW + timedelta(minutes=7)
    assert run.run_id == "asset_triggered__2026-03-01T12:07:00+00:00_7"


def test_no_run_is_due_until_all_is_there():
    assert asset_run(A & B, [pending(A, 7)]) is None
    assert asset_run(A | B, []) is None

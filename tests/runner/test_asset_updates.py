from __future__ import annotations

import pytest

from flowcore.domain.assets import Asset
from flowcore.domain.workloads import TryOutcome
from flowcore.runner.asset_updates import updated
from flowcore.runner.endings import Ending
from flowcore.sdk.assets.events import OutletEvents

A = Asset("a")


def test_a_success_updates_the_outlets():
    ending = updated(Ending(TryOutcome.SUCCESS, {"key": "1"}), OutletEvents([A]))
    assert [update.name for update in ending.asset_updates] == ["a"]
    assert ending.xcoms == {"key": "1"}


@pytest.mark.parametrize("extra", [{"when": object()}, {"share": float("nan")}, ["rows"]])
def test_an_extra_that_cannot_be_kept_fails_the_try(extra):
    events = OutletEvents([A])
    events[A].extra = extra
    ending = updated(Ending(TryOutcome.SUCCESS), events)
    assert ending.outcome is TryOutcome.FAILED
    assert "the event of asset 'a'" in (ending.error or "")

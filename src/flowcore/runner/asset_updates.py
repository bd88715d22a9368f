"""What a try that has succeeded says of the assets that its task updates."""

from __future__ import annotations

import json

import attrs

from flowcore.domain.assets import AssetUpdate
from flowcore.domain.workloads import TryOutcome
from flowcore.runner.endings import Ending, failed
from flowcore.runner.preparation import PreparedTask
from flowcore.sdk.assets.events import OutletEvents


def with_asset_updates(ending: Ending, ready: PreparedTask | None) -> Ending:
    """The ending with the updates of the task's outlets; it failed if one of them cannot be kept."""
    if ready is None or ending.outcome is not TryOutcome.SUCCESS or not ready.task.outlets:
        return ending
    return updated(ending, ready.context["outlet_events"])


def updated(ending: Ending, outlet_events: OutletEvents) -> Ending:
    """The ending of a success with what was said of the outlets."""
    updates = tuple(outlet_events.updates())
    for update in updates:
        if complaint := _complaint(update):
            return failed(complaint)
    return attrs.evolve(ending, asset_updates=updates)


def _complaint(update: AssetUpdate) -> str | None:
    what = f"the event of asset {update.name or update.uri!r}"
    try:
        if not isinstance(json.loads(json.dumps(update.extra, allow_nan=False)), dict):
            return f"{what} has extra={update.extra!r:.80}; make it a dict"
    except (TypeError, ValueError, RecursionError) as error:
        return f"the extra of {what} is no JSON: {error}; use strings, finite numbers, lists and dicts"
    return None

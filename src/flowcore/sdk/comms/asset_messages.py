"""What a task asks about events of assets; see `messages.py`. Each may fail with DatabaseUnavailable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from flowcore.domain.assets import AssetEvent
from flowcore.sdk.comms.messages import Answer, Request


@attrs.frozen
class AssetEventsFound(Answer):
    """Events, the oldest first."""

    events: tuple[AssetEvent, ...]


@attrs.frozen
class GetTriggeringAssetEvents(Request[AssetEventsFound]):
    """Find the events that a run has consumed."""

    dag_run_id: int


@attrs.frozen
class GetAssetEvents(Request[AssetEventsFound]):
    """Find the newest events, at most `limit`, of the assets of a name or URI, or named through an alias."""

    limit: int
    name: str | None = None
    uri: str | None = None
    alias: str | None = None


@attrs.frozen
class AssetFound(Answer):
    """An asset; without a URI there is none of that name."""

    uri: str | None = None
    group: str = ""
    extra: Mapping[str, Any] = attrs.field(factory=dict)


@attrs.frozen
class GetAsset(Request[AssetFound]):
    """Find the asset of a name that Dags have named last."""

    name: str

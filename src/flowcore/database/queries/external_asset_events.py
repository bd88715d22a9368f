"""Say that an asset was updated by something that flowcore does not know."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from flowcore.database.queries.asset_events import NewAssetEvent, record_asset_events
from flowcore.database.queries.listing_assets import ListedAsset, list_assets
from flowcore.domain.asset_uris import normalized_uri
from flowcore.domain.assets import AssetUpdate
from flowcore.domain.partitions.base import checked_key
from flowcore.errors import UsageError


def find_asset(connection: sa.Connection, *, name: str | None = None, uri: str | None = None) -> ListedAsset:
    """The asset of that name and that URI; one of them is enough.

    Raises:
        UsageError: there is none, or more than one.
    """
    wanted_uri = None if uri is None else normalized_uri(uri)
    known = list_assets(connection, with_inactive=True)
    found = [one for one in known if name in (None, one.name) and wanted_uri in (None, one.uri)]
    if (name is None and uri is None) or len(found) > 1:
        raise UsageError("several assets are meant; give the name and the URI of one")
    if not found:
        names = ", ".join(sorted({one.name for one in known})) or "none"
        raise UsageError(f"there is no asset {name or uri!r}; known: {names}")
    return found[0]


def record_external_event(
    connection: sa.Connection,
    *,
    name: str | None = None,
    uri: str | None = None,
    extra: Mapping[str, Any],
    partition_key: str | None = None,
    now: datetime,
) -> int:
    """Write an event of an asset that Dags name, or of a partition of it, and deliver it; its id.

    Raises:
        UsageError: there is no such asset, several are meant, the key is none, or the database cannot keep
            the extra.
    """
    found = find_asset(connection, name=name, uri=uri)
    update = AssetUpdate(
        name=found.name,
        uri=found.uri,
        group=found.group,
        extra=extra,
        partition_key=None if partition_key is None else checked_key(partition_key),
    )
    try:
        [event_id] = record_asset_events(connection, [NewAssetEvent(update=update, created_at=now)])
    except (sa.exc.DataError, TypeError, ValueError) as error:
        raise UsageError(f"the extra of the event cannot be kept ({error}); make it a JSON object") from error
    return event_id

"""Whose state a task keeps beyond its try: the task instance's own, or that of an asset."""

from __future__ import annotations

from datetime import timedelta

import attrs

#: A retention for state that is kept until it is deleted.
NEVER_EXPIRE = timedelta.max


@attrs.frozen(kw_only=True)
class StateOwner:
    """An asset, by its name, its URI or both; with neither, the task instance that asks."""

    asset_name: str | None = None
    asset_uri: str | None = None

    @property
    def is_asset(self) -> bool:
        """Whether an asset is meant."""
        return (self.asset_name, self.asset_uri) != (None, None)


OWN = StateOwner()

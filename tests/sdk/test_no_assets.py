from __future__ import annotations

import pytest

from flowcore.errors import UsageError
from flowcore.sdk.no_assets import NoAssetEvents


def test_there_are_no_events():
    assert (list(NoAssetEvents()), len(NoAssetEvents())) == ([], 0)


def test_asking_for_events_says_that_they_cannot_be_looked_up():
    with pytest.raises(UsageError, match="cannot be looked up yet"):
        NoAssetEvents()["s3://bucket"]

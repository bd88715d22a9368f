from __future__ import annotations

import pytest

from flowcore.errors import UsageError
from flowcore.sdk.no_assets import NoAssetEvents


def test_there_are_no_events():
    assert (list(NoAssetEvents()), len(NoAssetEvents())) == ([], 0)


def test_asking_for_events_says_that_there_are_no_assets_yet():
    with pytest.raises(UsageError, match="flowcore has no assets yet"):
        NoAssetEvents()["s3://bucket"]

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

import flowcore
from flowcore import Flowcore
from flowcore.app.options import Options

OPTIONS = Options(grace_s=5.0)


@pytest.fixture
async def fc(scene_url: str) -> AsyncIterator[Flowcore]:
    """An open flowcore on a database of each kind."""
    async with flowcore.open(scene_url, options=OPTIONS) as fc:
        yield fc

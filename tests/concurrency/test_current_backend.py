from __future__ import annotations

import anyio
import pytest

from flowcore.backends import Backend
from flowcore.concurrency.current_backend import current_backend


@pytest.mark.parametrize("backend", Backend)
def test_the_loop_that_runs_is_told(backend):
    async def ask():
        return current_backend()

    assert anyio.run(ask, backend=backend) is backend

from __future__ import annotations

import pytest
import sniffio

from flowcore.cli.event_loop import run_on_loop
from flowcore.settings import Backend


@pytest.mark.parametrize("backend", Backend)
def test_the_loop_is_the_one_asked_for(backend: Backend) -> None:
    async def which() -> str:
        return sniffio.current_async_library()

    assert run_on_loop(backend, which) == backend

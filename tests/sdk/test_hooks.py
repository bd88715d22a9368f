from __future__ import annotations

import anyio.to_thread
import pytest

from flowcore.sdk import BaseHook
from tests.support.secret_backends import KeptSource, current_source


class WebHook(BaseHook):
    pass


async def test_hooks_find_their_connection() -> None:
    with current_source(KeptSource()):
        found = await WebHook.aget_connection("web")
        assert found == await anyio.to_thread.run_sync(WebHook.get_connection, "web")
    assert found.host == "web.example"


def test_a_hook_without_a_client_says_so() -> None:
    with pytest.raises(NotImplementedError, match="WebHook has no get_conn"):
        WebHook().get_conn()

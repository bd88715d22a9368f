from __future__ import annotations

from typing import Any

import pytest

from flowcore.sdk.comms.messages import GetVariable, MaskSecrets
from flowcore.sdk.comms.questions import current_comms
from flowcore.sdk.log import amask_secret, mask_secret
from flowcore.secrets.masking import PROCESS
from tests.sdk.comms.peers import answering


@pytest.mark.parametrize(
    ("secret", "name", "hidden"),
    [
        ("planted-1a", None, ["planted-1a"]),
        ("planted-1b", "colour", []),
        ("planted-1c", "my_token", ["planted-1c"]),
        ({"a": ["planted-1d"], "b": {"c": "planted-1e"}}, None, ["planted-1d", "planted-1e"]),
        ({"user": "planted-1f", "password": "planted-1g"}, "config", ["planted-1g"]),
    ],
)
def test_what_is_secret_is_hidden_here_and_by_the_supervisor(
    secret: Any, name: str | None, hidden: list[str]
) -> None:
    with answering() as (decoder, peer):
        with current_comms(decoder):
            mask_secret(secret, name)
        decoder.send(GetVariable("after it"))
        assert [told.message for told in peer.told] == [MaskSecrets(tuple(hidden))]
    assert all(PROCESS.mask(text) == "***" for text in hidden)


async def test_coroutines_mask_as_functions_do() -> None:
    await amask_secret("planted-2a")
    assert PROCESS.mask("planted-2a") == "***"

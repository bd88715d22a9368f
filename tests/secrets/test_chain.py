from __future__ import annotations

import pytest

from flowcore.errors import SecretsDenied, SecretsGarbled, SecretsUnavailable
from flowcore.secrets.chain import Chain, Found
from flowcore.secrets.guard import Guard
from flowcore.secrets.keys import Kind, SecretKey
from tests.support.secret_backends import KeptBackend

KEY = SecretKey(Kind.VARIABLE, "colour")
GREEN = {"colour": "green"}


def chain(*backends: KeptBackend) -> Chain:
    return Chain([Guard(backend) for backend in backends])


async def test_the_first_backend_that_has_it_wins() -> None:
    first, second, third = (
        KeptBackend("a"),
        KeptBackend("b", variables=GREEN),
        KeptBackend("c", variables=GREEN),
    )
    assert await chain(first, second, third).look_up(KEY) == Found("green", "b")
    assert (first.calls, third.calls) == (["colour"], [])


async def test_an_empty_text_is_found() -> None:
    assert await chain(KeptBackend("a", variables={"colour": ""})).look_up(KEY) == Found("", "a")


async def test_a_miss_everywhere_is_a_miss() -> None:
    assert await chain(KeptBackend("a"), KeptBackend("b")).look_up(KEY) == Found(None, None)


async def test_an_unavailable_backend_is_passed_over_and_the_answer_is_uncertain(
    caplog: pytest.LogCaptureFixture,
) -> None:
    found = await chain(KeptBackend("a", error=OSError()), KeptBackend("b", variables=GREEN)).look_up(KEY)
    assert found == Found("green", "b", is_certain=False)
    [said] = caplog.messages
    assert said.startswith("secrets backend 'a' cannot look up 'colour': it raised OSError")
    assert said.endswith("(passed over: b has the answer)")


async def test_nobody_knows_that_a_secret_is_missing_while_a_backend_is_unavailable() -> None:
    with pytest.raises(SecretsUnavailable, match="secrets backend 'a' cannot look up 'colour'"):
        await chain(KeptBackend("a", error=OSError()), KeptBackend("b")).look_up(KEY)


@pytest.mark.parametrize("error", [SecretsDenied("a", "colour", "no"), SecretsGarbled("a", "colour", "no")])
async def test_a_backend_that_refuses_ends_the_search(error: Exception) -> None:
    second = KeptBackend("b", variables=GREEN)
    with pytest.raises(type(error)):
        await chain(KeptBackend("a", error=error), second).look_up(KEY)
    assert second.calls == []


async def test_every_backend_is_closed() -> None:
    backends = KeptBackend("a"), KeptBackend("b")
    await chain(*backends).aclose()
    assert all(backend.is_closed for backend in backends)


def test_what_was_found_is_not_in_the_repr() -> None:
    assert "green" not in repr(Found("green", "a"))

"""Tokens are fetched once for all, early enough, and again when refused."""

from __future__ import annotations

import math

import anyio
import pytest

from flowcore.errors import SecretsDenied, SecretsUnavailable
from flowcore.secrets.remote.http_tokens import EARLY_S, Token, Tokens


class Issuer:
    """Issues tokens of a given lifetime, or fails as it is told."""

    def __init__(self, lifetime_s=math.inf):
        self.lifetime_s = lifetime_s
        self.expiring = []
        self.error = None

    async def fetch(self, key, expiring):
        self.expiring.append(expiring)
        await anyio.lowlevel.checkpoint()
        if self.error is not None:
            raise self.error("issuer", key, "it fails")
        return Token(f"token {len(self.expiring)}", self.lifetime_s)


async def test_token_is_fetched_once_for_all_who_wait():
    issuer = Issuer()
    tokens = Tokens(issuer.fetch)
    async with anyio.create_task_group() as nursery:
        for _ in range(100):
            nursery.start_soon(tokens.current, "x")
    assert issuer.expiring == [None]


async def test_token_that_soon_expires_is_shown_to_the_issuer():
    issuer = Issuer(lifetime_s=EARLY_S / 2)
    tokens = Tokens(issuer.fetch)
    first = await tokens.current("x")
    assert (await tokens.current("x")).text == "token 2"
    assert issuer.expiring == [None, first]


async def test_token_that_soon_expires_is_used_while_no_other_can_be_had():
    issuer = Issuer(lifetime_s=EARLY_S / 2)
    tokens = Tokens(issuer.fetch)
    first = await tokens.current("x")
    issuer.error = SecretsUnavailable
    assert await tokens.current("x") is first


async def test_expired_token_is_not_used():
    issuer = Issuer(lifetime_s=0.0)
    tokens = Tokens(issuer.fetch)
    await tokens.current("x")
    issuer.error = SecretsUnavailable
    with pytest.raises(SecretsUnavailable):
        await tokens.current("x")


async def test_refused_token_is_replaced_once():
    issuer = Issuer()
    tokens = Tokens(issuer.fetch)
    refused = await tokens.current("x")
    others = [await tokens.instead_of(refused, "x"), await tokens.instead_of(refused, "y")]
    assert [token.text for token in others] == ["token 2", "token 2"]


async def test_failure_is_told_to_all_who_waited_with_their_own_keys():
    issuer = Issuer()
    issuer.error = SecretsDenied
    tokens = Tokens(issuer.fetch)
    failed = []

    async def look_up(key):
        with pytest.raises(SecretsDenied) as caught:
            await tokens.current(key)
        failed.append(caught.value.key)

    async with anyio.create_task_group() as nursery:
        for key in "abc":
            nursery.start_soon(look_up, key)
    assert sorted(failed) == ["a", "b", "c"]
    assert len(issuer.expiring) == 1


async def test_next_lookup_after_a_failure_asks_again():
    issuer = Issuer()
    issuer.error = SecretsUnavailable
    tokens = Tokens(issuer.fetch)
    with pytest.raises(SecretsUnavailable):
        await tokens.current("x")
    issuer.error = None
    assert (await tokens.current("x")).text == "token 2"


async def test_cancelled_fetch_leaves_the_others_waiting_for_their_own():
    issuer = Issuer()
    tokens = Tokens(issuer.fetch)
    with anyio.CancelScope() as scope:
        scope.cancel()
        await tokens.current("x")
    assert (await tokens.current("x")).lifetime_s == math.inf


def test_token_does_not_show_itself():
    assert "planted" not in repr(Token("planted", 1.0))

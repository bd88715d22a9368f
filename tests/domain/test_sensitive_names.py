from __future__ import annotations

import pytest

from flowcore.domain.sensitive_names import is_sensitive, sensitive_values


@pytest.mark.parametrize("name", ["password", "DB_PASSWORD", "x-api-key", "authorization", "client_secret"])
def test_names_of_secrets_are_sensitive(name: str) -> None:
    assert is_sensitive(name)


@pytest.mark.parametrize("name", ["region", "key", "login", "host"])
def test_other_names_are_not(name: str) -> None:
    assert not is_sensitive(name)


def test_everything_below_a_sensitive_name_is_a_secret() -> None:
    value = {"secret": {"a": ["b", {"c": 1}], "d": True}, "plain": "e"}
    assert list(sensitive_values(value)) == ["b", "1"]

from __future__ import annotations

import pytest

from flowcore.domain.sensitive_names import is_sensitive, sensitive_values, variable_secrets


@pytest.mark.parametrize("name", ["password", "DB_PASSWORD", "x-api-key", "authorization", "client_secret"])
def test_names_of_secrets_are_sensitive(name: str) -> None:
    assert is_sensitive(name)


@pytest.mark.parametrize("name", ["region", "key", "login", "host"])
def test_other_names_are_not(name: str) -> None:
    assert not is_sensitive(name)


def test_everything_below_a_sensitive_name_is_a_secret() -> None:
    value = {"secret": {"a": ["b", {"c": 1}], "d": True}, "plain": "e"}
    assert list(sensitive_values(value)) == ["b", "1"]


@pytest.mark.parametrize(
    ("key", "value", "hidden"),
    [
        ("api_token", "planted", ["planted"]),
        ("colour", "green", []),
        ("options", '{"password": "planted", "size": 3}', ["planted"]),
        ("options", "{no json", []),
        ("secrets", '["planted"]', ['["planted"]', "planted"]),
    ],
)
def test_what_of_a_variable_is_secret_is_told_by_names(key: str, value: str, hidden: list[str]) -> None:
    assert list(variable_secrets(key, value)) == hidden

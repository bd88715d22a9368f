"""What asyncpg is told for the options of a URL."""

from __future__ import annotations

import pytest

from flowcore.database.asyncpg_options import connect_arguments
from flowcore.database.urls import parse_url
from flowcore.errors import SettingsError


def test_options_of_libpq_that_only_tune_are_left_out() -> None:
    arguments = connect_arguments(parse_url("postgresql+asyncpg://u@h:1/d?keepalives=1&sslmode=require"))
    assert arguments == {"dsn": "postgresql://u@h:1/d?sslmode=require", "timeout": 5.0}


def test_asyncpgs_own_options_become_numbers() -> None:
    target = parse_url("postgresql+asyncpg://u@h/d?statement_cache_size=0&command_timeout=1.5&timeout=3")
    arguments = connect_arguments(target)
    assert (arguments["statement_cache_size"], arguments["command_timeout"], arguments["timeout"]) == (
        0,
        1.5,
        3,
    )


def test_a_password_reaches_the_driver_as_it_was_meant() -> None:
    arguments = connect_arguments(parse_url("postgresql+asyncpg://u:a%2Fb@h/d"))
    assert arguments["dsn"] == "postgresql://u:a%2Fb@h/d"


@pytest.mark.parametrize("option", ["channel_binding=require", "statement_cache_size=many"])
def test_what_asyncpg_cannot_do_is_an_error_of_the_settings(option: str) -> None:
    with pytest.raises(SettingsError, match=option.partition("=")[0]):
        connect_arguments(parse_url(f"postgresql+asyncpg://u@h/d?{option}"))

from __future__ import annotations

import pytest

from flowcore.secrets.environment import EnvironmentBackend


@pytest.mark.parametrize("prefix", ["FLOWCORE", "AIRFLOW"])
async def test_names_are_upper_case(prefix: str) -> None:
    backend = EnvironmentBackend({f"{prefix}_CONN_MY.DB-1": "http://host", f"{prefix}_VAR_COLOUR": "green"})
    assert await backend.get_connection("my.db-1") == "http://host"
    assert await backend.get_variable("Colour") == "green"


async def test_flowcores_spelling_wins() -> None:
    backend = EnvironmentBackend({"AIRFLOW_VAR_A": "theirs", "FLOWCORE_VAR_A": "ours"})
    assert await backend.get_variable("a") == "ours"


async def test_an_empty_text_is_a_variable_and_no_connection() -> None:
    backend = EnvironmentBackend({"FLOWCORE_VAR_A": "", "FLOWCORE_CONN_A": ""})
    assert await backend.get_variable("a") == ""
    assert await backend.get_connection("a") is None


async def test_the_environment_of_the_process_is_read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = EnvironmentBackend()
    assert await backend.get_variable("flowcore_test") is None
    monkeypatch.setenv("FLOWCORE_VAR_FLOWCORE_TEST", "there")
    assert await backend.get_variable("flowcore_test") == "there"


async def test_a_name_that_no_variable_can_have_is_a_miss() -> None:
    assert await EnvironmentBackend().get_variable("a\0b") is None

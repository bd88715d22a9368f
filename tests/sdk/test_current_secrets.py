from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio.to_thread
import pytest

from flowcore.errors import ConnectionNotFound, UsageError, VariableNotFound
from flowcore.sdk.current_secrets import EnvironmentOnly, SecretsSource, ask, ask_from_thread, current_secrets
from flowcore.secrets.masking import PROCESS
from tests.support.secret_backends import KeptSource


@pytest.fixture
def source() -> KeptSource:
    return KeptSource()


def colour(source: SecretsSource) -> Any:
    return source.variable("colour")


def ask_blocking() -> str:
    return ask_from_thread(colour, face="Variable.get")


async def test_coroutines_ask_the_source_of_their_try(source: KeptSource) -> None:
    with current_secrets(source):
        assert await ask(colour) == "green"
    with pytest.raises(VariableNotFound):
        await ask(colour)


async def test_functions_ask_from_their_threads(source: KeptSource) -> None:
    with current_secrets(source):
        assert await anyio.to_thread.run_sync(ask_blocking) == "green"


async def test_on_the_loop_a_blocking_call_is_refused(source: KeptSource) -> None:
    with current_secrets(source), pytest.raises(UsageError, match=r"use `await Variable\.aget\(\.\.\.\)`"):
        ask_blocking()


async def test_tries_do_not_see_each_others_source(source: KeptSource) -> None:
    other, answers = KeptSource(), []
    other.variables["colour"] = "blue"

    async def run_try(own: KeptSource) -> None:
        with current_secrets(own):
            await anyio.lowlevel.checkpoint()
            answers.append(await ask(colour))

    async with anyio.create_task_group() as nursery:
        nursery.start_soon(run_try, source)
        nursery.start_soon(run_try, other)
    assert sorted(answers) == ["blue", "green"]


def test_where_no_try_runs_the_environment_is_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(VariableNotFound, match="'colour' in environment variables, which is all there is"):
        ask_blocking()
    monkeypatch.setenv("FLOWCORE_VAR_COLOUR", "red")
    assert ask_blocking() == "red"


async def test_connections_of_the_environment_are_found_where_no_try_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_WEB", "http://me:planted-env@web.example")
    assert (await ask(lambda source: source.connection("web"))).host == "web.example"
    assert PROCESS.mask("planted-env") == "***"
    with pytest.raises(ConnectionNotFound):
        await ask(lambda source: source.connection("other"))


@pytest.mark.parametrize(
    "write",
    [
        lambda source: source.set_variable("a", "b", None),
        lambda source: source.delete_variable("a"),
        lambda source: source.variable_keys(""),
    ],
)
async def test_where_no_try_runs_nothing_is_written(write: Callable[[SecretsSource], Any]) -> None:
    with pytest.raises(UsageError, match="do it inside the function of a task"):
        await write(EnvironmentOnly())

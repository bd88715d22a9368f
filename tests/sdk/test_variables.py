from __future__ import annotations

import math

import anyio.to_thread
import pytest

from flowcore.errors import VariableInvalid, VariableNotFound
from flowcore.sdk import Variable
from tests.support.secret_backends import KeptSource, current_source


def use_as_a_function() -> list[object]:
    Variable.set("size", 3)
    Variable.set("shape", {"round": True}, serialize_json=True)
    Variable.delete("colour")
    read = [Variable.get("size"), Variable.get("shape", deserialize_json=True), Variable.get("colour", None)]
    return [*read, list(Variable.keys("s"))]


async def use_as_a_coroutine() -> list[object]:
    await Variable.aset("size", 3)
    await Variable.aset("shape", {"round": True}, serialize_json=True)
    await Variable.adelete("colour")
    read = [await Variable.aget("size"), await Variable.aget("shape", deserialize_json=True)]
    return [*read, await Variable.aget("colour", None), list(await Variable.akeys("s"))]


async def test_functions_and_coroutines_have_the_same_variables() -> None:
    expected = ["3", {"round": True}, None, ["sizes", "size", "shape"]]
    with current_source(KeptSource()):
        assert await use_as_a_coroutine() == expected
    with current_source(KeptSource()):
        assert await anyio.to_thread.run_sync(use_as_a_function) == expected


async def test_a_missing_variable_without_default_is_an_error() -> None:
    with current_source(KeptSource()):
        with pytest.raises(VariableNotFound, match="or pass a default"):
            await Variable.aget("absent")
        with pytest.raises(VariableNotFound):
            await anyio.to_thread.run_sync(Variable.get, "absent")


async def test_malformed_json_is_told_as_such_and_not_quoted() -> None:
    with current_source(KeptSource()), pytest.raises(VariableInvalid, match="'colour' is no JSON") as caught:
        await Variable.aget("colour", default=None, deserialize_json=True)
    assert "green" not in str(caught.value)


@pytest.mark.parametrize("value", [object(), math.nan])
async def test_what_has_no_json_is_not_written(value: object) -> None:
    with (
        current_source(KeptSource()),
        pytest.raises(VariableInvalid, match="has no JSON; convert"),
    ):
        await Variable.aset("a", value, serialize_json=True)

from __future__ import annotations

import pytest

from flowcore.errors import ConnectionNotFound, UsageError, VariableNotFound
from flowcore.sdk import Connection, Variable
from flowcore.sdk.comms.environment import EnvironmentComms
from flowcore.sdk.comms.messages import DeleteVariable, ListVariableKeys, MaskSecrets, SetVariable
from flowcore.secrets.masking import PROCESS


def test_where_no_try_runs_the_environment_is_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(VariableNotFound, match="'colour' in environment variables, which is all there is"):
        Variable.get("colour")
    monkeypatch.setenv("FLOWCORE_VAR_COLOUR", "red")
    assert Variable.get("colour") == "red"


async def test_connections_of_the_environment_are_found_where_no_try_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_WEB", "http://me:planted-env@web.example")
    assert (await Connection.aget("web")).host == "web.example"
    assert PROCESS.mask("planted-env") == "***"
    with pytest.raises(ConnectionNotFound):
        await Connection.aget("other")


@pytest.mark.parametrize("request_", [SetVariable("a", "b"), DeleteVariable("a"), ListVariableKeys()])
def test_where_no_try_runs_nothing_is_written(request_: SetVariable) -> None:
    with pytest.raises(UsageError, match="do it inside the function of a task"):
        EnvironmentComms().send(request_)


def test_masks_hold_where_no_try_runs() -> None:
    EnvironmentComms().post(MaskSecrets(("planted-mask",)))
    assert PROCESS.mask("planted-mask") == "***"

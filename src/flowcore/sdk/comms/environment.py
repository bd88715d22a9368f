"""`EnvironmentComms`: answers where no try runs, as while a Dag file is read, from the environment."""

from __future__ import annotations

from typing import TypeVar, cast

from flowcore.domain.connections import parse_connection
from flowcore.domain.sensitive_names import variable_secrets
from flowcore.errors import ConnectionNotFound, UsageError, VariableNotFound
from flowcore.sdk.comms.messages import (
    Answer,
    ConnectionFound,
    GetConnection,
    GetVariable,
    MaskSecrets,
    Notice,
    Request,
    VariableFound,
)
from flowcore.secrets.environment import EnvironmentBackend
from flowcore.secrets.masking import PROCESS

A = TypeVar("A", bound=Answer)

_SEARCHED = ("environment variables, which is all there is where no task runs",)


class EnvironmentComms:
    """Implements `questions.Comms`; never waits."""

    def __init__(self) -> None:
        self._environment = EnvironmentBackend()

    def send(self, request: Request[A]) -> A:
        return cast("A", self._answer(request))

    async def asend(self, request: Request[A]) -> A:
        return self.send(request)

    def post(self, notice: Notice) -> None:
        if isinstance(notice, MaskSecrets):
            PROCESS.add(notice.secrets)

    def _answer(self, request: Request[A]) -> Answer:
        match request:
            case GetConnection(conn_id):
                return self._connection(conn_id)
            case GetVariable(key):
                return self._variable(key)
        raise UsageError(
            f"{type(request).__name__} was asked for where no task runs; do it inside the function of a task"
        )

    def _connection(self, conn_id: str) -> ConnectionFound:
        text = self._environment.connection_text(conn_id)
        if text is None:
            raise ConnectionNotFound(conn_id, _SEARCHED)
        connection = parse_connection(conn_id, text)
        PROCESS.add(connection.secrets())
        return ConnectionFound(connection)

    def _variable(self, key: str) -> VariableFound:
        text = self._environment.variable_text(key)
        if text is None:
            raise VariableNotFound(key, _SEARCHED)
        PROCESS.add(variable_secrets(key, text))
        return VariableFound(text)

"""What every secrets backend owes: the checks that flowcore runs over its own, for yours.

Put `CONNECTIONS` and `VARIABLES` into the place that the backend reads, and nothing else, then run each
check on a backend made for it:

    @pytest.mark.parametrize("check", SECRETS_CHECKS)
    async def test_my_backend_keeps_the_contract(check):
        await check(MyBackend())
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import anyio
import anyio.lowlevel

from flowcore.abc import SecretsBackend
from flowcore.domain.connections import parse_connection

CONNECTIONS: Mapping[str, str] = {
    "contract_db": "postgres://me:p%40ss%2Fword@db.example:5433/sales?region=eu",
    "contract_web": "https://web.example",
}
VARIABLES: Mapping[str, str] = {
    "contract_text": "a text with ünïcode, 'quotes' and = signs",
    "contract_json": '{"size": 3}',
}
_LOOKUPS = 50


async def finds_what_is_there(backend: SecretsBackend) -> None:
    """Each connection reads the same, whatever its form, and each variable is the same text."""
    for conn_id, uri in CONNECTIONS.items():
        text = await backend.get_connection(conn_id)
        assert text is not None, conn_id
        assert parse_connection(conn_id, text).get_uri() == parse_connection(conn_id, uri).get_uri()
    for key, value in VARIABLES.items():
        assert await backend.get_variable(key) == value, key


async def tells_a_miss_by_none(backend: SecretsBackend) -> None:
    """What is not there is None, and no error."""
    assert await backend.get_connection("contract_absent") is None
    assert await backend.get_variable("contract_absent") is None


async def keeps_connections_and_variables_apart(backend: SecretsBackend) -> None:
    """A variable is no connection, nor the other way round."""
    assert await backend.get_connection("contract_text") is None
    assert await backend.get_variable("contract_db") is None


async def answers_many_at_once(backend: SecretsBackend) -> None:
    """Lookups that are under way at the same time do not mix up their answers."""
    wanted = [*VARIABLES] * _LOOKUPS
    answers: dict[int, str | None] = {}

    async def look_up(number: int, key: str) -> None:
        answers[number] = await backend.get_variable(key)

    async with anyio.create_task_group() as nursery:
        for number, key in enumerate(wanted):
            nursery.start_soon(look_up, number, key)
    assert [answers[number] for number in range(len(wanted))] == [VARIABLES[key] for key in wanted]


async def survives_cancelled_lookups(backend: SecretsBackend) -> None:
    """A lookup that is cancelled at any moment leaves the backend as it was."""
    for checkpoints in range(5):
        async with anyio.create_task_group() as nursery:
            nursery.start_soon(backend.get_variable, "contract_text")
            for _ in range(checkpoints):
                await anyio.lowlevel.checkpoint()
            nursery.cancel_scope.cancel()
    assert await backend.get_variable("contract_text") == VARIABLES["contract_text"]


async def has_a_name_and_closes(backend: SecretsBackend) -> None:
    """Errors call it by its name; closing it is possible before it was used."""
    assert isinstance(backend.name, str)
    assert backend.name
    await backend.aclose()


SECRETS_CHECKS: tuple[Callable[[SecretsBackend], Awaitable[None]], ...] = (
    finds_what_is_there,
    tells_a_miss_by_none,
    keeps_connections_and_variables_apart,
    answers_many_at_once,
    survives_cancelled_lookups,
    has_a_name_and_closes,
)

from __future__ import annotations

import traceback

import anyio
import pytest

from flowcore.errors import SecretsDenied, SecretsError, SecretsGarbled, SecretsUnavailable
from flowcore.secrets.circuit import CircuitState
from flowcore.secrets.guard import Guard, Limits
from flowcore.secrets.keys import Kind, SecretKey
from tests.support.secret_backends import HandClock, KeptBackend

KEY = SecretKey(Kind.VARIABLE, "colour")


async def test_connections_and_variables_are_asked_for_as_such() -> None:
    guard = Guard(KeptBackend(connections={"a": "http://a"}, variables={"a": "text"}))
    assert await guard.look_up(SecretKey(Kind.CONNECTION, "a")) == "http://a"
    assert await guard.look_up(SecretKey(Kind.VARIABLE, "a")) == "text"
    assert await guard.look_up(SecretKey(Kind.VARIABLE, "b")) is None


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (KeyError("planted"), SecretsUnavailable),
        (OSError("planted"), SecretsUnavailable),
        (PermissionError("planted"), SecretsDenied),
        (SecretsGarbled("kept", "colour", "it is no text"), SecretsGarbled),
    ],
)
async def test_whatever_a_backend_raises_is_told_without_its_words(
    raised: Exception, told: type[SecretsError]
) -> None:
    with pytest.raises(told, match="secrets backend 'kept' cannot look up 'colour'") as caught:
        await Guard(KeptBackend(error=raised)).look_up(KEY)
    assert "planted" not in "".join(traceback.format_exception(caught.value))


async def test_an_answer_that_is_no_text_is_garbled() -> None:
    with pytest.raises(SecretsGarbled, match="answered with a bytes"):
        await Guard(KeptBackend(variables={"colour": b"planted"})).look_up(KEY)


async def test_a_backend_that_hangs_is_given_up() -> None:
    guard = Guard(KeptBackend(gate=anyio.Event()), Limits(deadline_s=0.01))
    with pytest.raises(SecretsUnavailable, match=r"did not answer within 0\.01 s"):
        await guard.look_up(KEY)


async def test_only_so_many_calls_are_under_way() -> None:
    backend = KeptBackend(gate=anyio.Event(), variables={"colour": "green"})
    guard = Guard(backend, Limits(calls_max=2))
    async with anyio.create_task_group() as nursery:
        for _ in range(5):
            nursery.start_soon(guard.look_up, KEY)
        await anyio.wait_all_tasks_blocked()
        assert len(backend.calls) == 2
        assert backend.gate is not None
        backend.gate.set()
    assert len(backend.calls) == 5


async def test_waiting_for_a_turn_counts_towards_the_deadline() -> None:
    guard = Guard(KeptBackend(gate=anyio.Event()), Limits(calls_max=1, deadline_s=0.05))
    errors = []

    async def look_up() -> None:
        with pytest.raises(SecretsUnavailable) as caught:
            await guard.look_up(KEY)
        errors.append(caught.value)

    async with anyio.create_task_group() as nursery:
        nursery.start_soon(look_up)
        nursery.start_soon(look_up)
    assert len(errors) == 2


async def test_a_broken_backend_is_left_alone_until_the_pause_is_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock, backend = HandClock(), KeptBackend(error=OSError(), variables={"colour": "green"})
    guard = Guard(backend, Limits(failures_max=2, pause_s=30.0), monotonic=clock)
    for _ in range(4):
        with pytest.raises(SecretsUnavailable):
            await guard.look_up(KEY)
    assert len(backend.calls) == 2
    assert guard.statistics().circuit is CircuitState.OPEN
    [said] = caplog.messages
    assert said.endswith("it is left alone for 30 s at a time until it answers")
    clock.seconds, backend.error = 30.0, None
    assert await guard.look_up(KEY) == "green"
    assert guard.statistics().circuit is CircuitState.CLOSED


async def test_a_backend_that_denies_access_is_asked_again() -> None:
    backend = KeptBackend(error=PermissionError())
    guard = Guard(backend, Limits(failures_max=1))
    for _ in range(3):
        with pytest.raises(SecretsDenied):
            await guard.look_up(KEY)
    assert len(backend.calls) == guard.statistics().failures == 3


async def test_a_cancelled_probe_does_not_keep_the_circuit_open() -> None:
    clock, backend = HandClock(), KeptBackend(error=OSError(), variables={"colour": "green"})
    guard = Guard(backend, Limits(failures_max=1, pause_s=30.0), monotonic=clock)
    with pytest.raises(SecretsUnavailable):
        await guard.look_up(KEY)
    clock.seconds, backend.error, backend.gate = 30.0, None, anyio.Event()
    async with anyio.create_task_group() as nursery:
        nursery.start_soon(guard.look_up, KEY)
        await anyio.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    backend.gate.set()
    assert await guard.look_up(KEY) == "green"

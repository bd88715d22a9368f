"""The manners of all remote backends, shown with bare requests to a service on loopback."""

from __future__ import annotations

import socket
import threading
import traceback
from contextlib import asynccontextmanager

import anyio
import httpx
import pytest

from flowcore.errors import SecretsDenied, SecretsError, SecretsGarbled, SecretsUnavailable
from flowcore.secrets.remote.http import PAUSES_S, HttpCalls
from flowcore.secrets.remote.http_answers import BODY_BYTES_MAX
from tests.support.secret_servers import Reply, Script, serving

BUSY = Reply(503, b"planted")
GOOD = Reply(200, {"ok": True})


@asynccontextmanager
async def calls_to(service):
    calls = HttpCalls("remote")
    with serving(service) as url:
        try:
            yield calls, httpx.Request("POST", f"{url}/secret", content=b"question")
        finally:
            await calls.aclose()


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_busy_service_is_asked_again(status):
    script = Script([Reply(status), Reply(status), GOOD])
    async with calls_to(script) as (calls, request):
        answer = await calls.send(request, "x")
    assert calls.document(answer, "x") == {"ok": True}
    assert [request.body for request in script.requests] == [b"question"] * 3


@pytest.mark.slow
async def test_service_that_stays_busy_is_given_up():
    script = Script([BUSY])
    async with calls_to(script) as (calls, request):
        with pytest.raises(SecretsUnavailable, match=r"'remote' cannot look up 'x'.*503"):
            await calls.send(request, "x")
    assert len(script.requests) == 1 + len(PAUSES_S)


async def test_busy_service_is_not_asked_again_when_the_lookups_deadline_would_pass():
    script = Script([Reply(503, headers={"Retry-After": "5"})])
    async with calls_to(script) as (calls, request):
        deadline = anyio.current_time() + 4.9
        with pytest.raises(SecretsUnavailable), anyio.CancelScope(deadline=deadline):
            await calls.send(request, "x")
    assert len(script.requests) == 1


async def test_service_says_how_long_to_wait():
    script = Script([Reply(429, headers={"Retry-After": "3600"}), GOOD])
    async with calls_to(script) as (calls, request):
        with pytest.raises(SecretsUnavailable, match="429"):
            await calls.send(request, "x")
    assert len(script.requests) == 1


async def test_redirect_is_not_followed():
    script = Script([Reply(307, headers={"Location": "/elsewhere"})])
    async with calls_to(script) as (calls, request):
        with pytest.raises(SecretsGarbled, match="redirects"):
            await calls.send(request, "x")
    assert len(script.requests) == 1


async def test_answer_that_is_too_long_is_not_read_to_its_end():
    async with calls_to(Script([Reply(200, b"x" * (BODY_BYTES_MAX + 1))])) as (calls, request):
        with pytest.raises(SecretsGarbled, match="longer than"):
            await calls.send(request, "x")


@pytest.mark.parametrize("body", [b"planted", b"[1]", b'{"a"', b"[" * 100_000, b"\xff"])
async def test_answer_that_is_no_json_object_is_an_error_that_quotes_nothing(body):
    async with calls_to(Script([Reply(200, body)])) as (calls, request):
        answer = await calls.send(request, "x")
    with pytest.raises(SecretsGarbled, match="no JSON object") as caught:
        calls.document(answer, "x")
    assert caught.value.__context__ is None  # a JSONDecodeError holds the whole text
    assert "planted" not in repr(answer)


async def test_damaged_compression_is_an_error():
    reply = Reply(200, b"planted", {"Content-Encoding": "gzip"})
    async with calls_to(Script([reply])) as (calls, request):
        with pytest.raises(SecretsGarbled, match="compressed"):
            await calls.send(request, "x")


@pytest.mark.parametrize("status", [401, 403])
async def test_refused_credentials_are_told_apart(status):
    async with calls_to(Script([Reply(status, b"planted")])) as (calls, request):
        answer = await calls.send(request, "x")
    with pytest.raises(SecretsDenied, match=rf"access denied.*{status}"):
        calls.document(answer, "x")


async def test_other_status_is_an_error_that_quotes_nothing():
    async with calls_to(Script([Reply(418, b"planted")])) as (calls, request):
        answer = await calls.send(request, "x")
    with pytest.raises(SecretsError, match="418") as caught:
        calls.document(answer, "x")
    assert "planted" not in str(caught.value)


@pytest.mark.slow
async def test_service_that_is_away_is_unavailable():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        calls = HttpCalls("remote")
        request = httpx.Request("GET", f"http://127.0.0.1:{unused.getsockname()[1]}/")
        with pytest.raises(SecretsUnavailable, match="ConnectError"):
            await calls.send(request, "x")
        await calls.aclose()


@pytest.mark.slow
async def test_answer_that_is_no_http_is_not_quoted():
    with socket.create_server(("127.0.0.1", 0)) as server:
        calls = HttpCalls("remote")
        request = httpx.Request("GET", f"http://127.0.0.1:{server.getsockname()[1]}/")
        talking = threading.Thread(target=talk_nonsense, args=(server,))
        talking.start()
        with pytest.raises(SecretsUnavailable, match="RemoteProtocolError") as caught:
            await calls.send(request, "x")
        talking.join()
        await calls.aclose()
    assert "planted" not in "".join(traceback.format_exception(caught.value))


def talk_nonsense(server):
    for _ in range(1 + len(PAUSES_S)):
        connection, _ = server.accept()
        with connection:
            connection.sendall(b"planted\r\n\r\n")


async def test_hanging_service_ends_with_the_lookups_deadline():
    answered = threading.Event()

    def hang(request):
        answered.wait(60)
        return GOOD

    async with calls_to(hang) as (calls, request):
        with anyio.move_on_after(0.05) as scope:
            await calls.send(request, "x")
        answered.set()
    assert scope.cancelled_caught

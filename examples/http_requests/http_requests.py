"""Hundreds of HTTP requests under way at the same time, in one process; needs `flowcore[http]`.

The server is started by the run itself, on a free port of the loopback interface. It answers a request
only once all of them are waiting: requests made one after the other would never be answered.
"""

from __future__ import annotations

from functools import partial

import anyio
import httpx
from anyio.abc import SocketAttribute, SocketStream

from flowcore.sdk import dag, task

AT_ONCE = 300
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


class Server:
    """Answers GET requests with "ok", all of them together."""

    def __init__(self, at_once: int) -> None:
        self._missing = at_once
        self._complete = anyio.Event()

    async def answer(self, stream: SocketStream) -> None:
        async with stream:
            while b"\r\n\r\n" not in await stream.receive():
                pass
            self._missing -= 1
            if self._missing <= 0:
                self._complete.set()
            await self._complete.wait()
            await stream.send(ANSWER)


async def fetch(client: httpx.AsyncClient, url: str, statuses: list[int]) -> None:
    response = await client.get(url)
    statuses.append(response.status_code)


@dag
def http_requests(requests: int = AT_ONCE) -> None:
    @task(execution_timeout=30)
    async def request_all(requests: int) -> dict[str, int]:
        statuses: list[int] = []
        limits = httpx.Limits(max_connections=requests)
        async with (
            await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
            httpx.AsyncClient(limits=limits, timeout=20, trust_env=False) as client,
            anyio.create_task_group() as server,
        ):
            server.start_soon(listener.serve, Server(requests).answer)
            url = f"http://127.0.0.1:{listener.extra(SocketAttribute.local_port)}/"
            async with anyio.create_task_group() as nursery:
                for _ in range(requests):
                    nursery.start_soon(partial(fetch, client, url, statuses))
            server.cancel_scope.cancel()
        return {"requests": requests, "ok": statuses.count(200)}

    @task
    def report(result: dict[str, int]) -> str:
        return f"{result['ok']} of {result['requests']} requests were answered"

    report(request_all(requests))


http_requests()

"""HTTP servers on loopback that stand in for secrets services, so that both event loops can ask them.

A service is a function from a request to a reply; each runs in threads, so it may also wait. The
stand-ins are in `secret_servers_vault.py`, `…_google.py` and `…_azure.py`; `secret_servers_aws.py`
starts moto's server.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import attrs


@attrs.frozen
class Request:
    """What a service was asked; the names of headers are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """Without the query; percent-decoded."""
        return unquote(urlsplit(self.target).path)

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query))

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode()))

    @property
    def bearer(self) -> str:
        """The token in the header Authorization, empty when there is none."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token if scheme == "Bearer" else ""

    def json(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.body)
        return document


@attrs.frozen
class Reply:
    """What a service answers; `body` is sent as JSON unless it is bytes already."""

    status: int = 200
    body: object = attrs.field(factory=dict)
    headers: Mapping[str, str] = attrs.field(factory=dict)

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


Service = Callable[[Request], Reply]


@contextmanager
def serving(service: Service) -> Iterator[str]:
    """Run a service for the duration of the block and yield its URL."""
    with _Server(("127.0.0.1", 0), _speaking_for(service)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@attrs.define
class Script:
    """A service that gives the replies in turn, the last one for ever, and remembers the requests."""

    replies: list[Reply]
    requests: list[Request] = attrs.field(factory=list)

    def __call__(self, request: Request) -> Reply:
        self.requests.append(request)
        return self.replies[min(len(self.requests), len(self.replies)) - 1]


class _Server(ThreadingHTTPServer):
    request_queue_size = 512  # with the few of the default, many clients at once wait a second to connect


def _speaking_for(service: Service) -> type[BaseHTTPRequestHandler]:
    class Speaker(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = service(Request(self.command, self.path, headers, self.rfile.read(length)))
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(reply.content)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.content)

        do_POST = do_GET

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Speaker

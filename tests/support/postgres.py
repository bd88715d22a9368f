"""A real PostgreSQL server of our own, for tests and benchmarks. No pytest in here.

`postgres_binaries.py` says where the programs come from, `postgres_account.py` who runs them, and
`postgres_folder.py` where the data lives: outside the checkout, for as long as the server.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs
import psycopg

from tests.support.postgres_account import Account, server_account
from tests.support.postgres_binaries import copy_of_binaries, find_binaries
from tests.support.postgres_folder import server_folder
from tests.support.server_processes import die_with_parent, free_port

START_S = 60.0
STOP_S = 15.0
#: What a server does not need that loses nothing while its machine runs, and has no replicas.
QUICK = {"fsync": "off", "full_page_writes": "off", "wal_level": "minimal", "max_wal_senders": "0"}


@contextmanager
def running_server(*, fsync: bool, max_connections: int = 200) -> Iterator[str]:
    """Run a server for the duration of the block and yield the URL of its database `postgres`.

    Args:
        fsync: False for tests, where speed matters; True for benchmarks, which must be honest.
        max_connections: the server's limit.

    Raises:
        PostgresNotFound: the machine has no server programs.
    """
    with new_server() as server:
        quick = {} if fsync else QUICK
        with server.running({"max_connections": str(max_connections), **quick}):
            yield server.url


@contextmanager
def new_server() -> Iterator[Server]:
    """Make a server that is not running yet, and remove it afterwards.

    Raises:
        PostgresNotFound: the machine has no server programs.
    """
    account = server_account()
    with server_folder() as folder:
        binaries = find_binaries()
        if account.is_another:
            binaries = copy_of_binaries(binaries, folder)
        account.give(folder)
        server = Server(binaries, folder, account, free_port())
        server.create_cluster()
        yield server


@attrs.frozen
class Server:
    """One cluster in one folder on one port."""

    binaries: Path
    folder: Path
    account: Account
    port: int

    @property
    def url(self) -> str:
        """The superuser's URL of the database `postgres`."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def create_cluster(self) -> None:
        """Run `initdb`; who can reach the port may do everything, the server is on loopback only."""
        how = ["--no-sync", "--no-locale", "--encoding=UTF8", "--auth=trust", "--username=postgres"]
        command: list[str | Path] = [self.binaries / "initdb", "-D", self.folder / "data", *how]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            env=_environment(),
            **self.account.identity(),
        )
        if done.returncode:
            raise RuntimeError(f"initdb failed: {done.stderr.strip()}; see `df -h /tmp` and `id`")

    @contextmanager
    def running(self, settings: dict[str, str]) -> Iterator[None]:
        """Start the server with these settings, wait until it answers, and stop it afterwards."""
        process = self.start(settings)
        try:
            self.wait_until_ready(process)
            yield
        finally:
            stop(process)

    def start(self, settings: dict[str, str]) -> subprocess.Popen[bytes]:
        """Start the server; who does this ends it, by `stop` or otherwise."""
        addresses = {"listen_addresses": "127.0.0.1", "unix_socket_directories": str(self.folder)}
        command: list[str | Path] = [
            self.binaries / "postgres",
            "-D",
            self.folder / "data",
            "-p",
            str(self.port),
        ]
        for name, value in (addresses | settings).items():
            command += ["-c", f"{name}={value}"]
        return self._start(command)

    def _start(self, command: list[str | Path]) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("wb") as log:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=_environment(),
                start_new_session=True,  # Ctrl-C in a terminal is for the tests, which then stop the server
                preexec_fn=die_with_parent,
                **self.account.identity(),
            )

    def wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        """Return when it answers.

        Raises:
            RuntimeError: it has ended, or takes more than a minute.
        """
        deadline = time.monotonic() + START_S
        while not answers(self.url):
            if process.poll() is not None or time.monotonic() > deadline:
                log = (self.folder / "log").read_text()[-2_000:]
                raise RuntimeError(f"PostgreSQL did not start; mend what its log says: {log}")
            time.sleep(0.02)


def answers(url: str) -> bool:
    """Whether somebody lets us in there."""
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a server as an administrator does."""
    process.send_signal(signal.SIGINT)  # a "fast" shutdown: sessions end, no client is waited for
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGQUIT)
        process.wait()


def _environment() -> dict[str, str]:
    # PGDATA, PGOPTIONS and the like of the caller must not reach our server.
    return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"}

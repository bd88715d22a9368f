"""The fixtures and hooks of `tests/support/`, tried on small suites of their own."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import psycopg
import pytest

from tests.support.fresh_database import ConnectionsLeft, fresh_database

ROOT = Path(__file__).parents[2]


@pytest.fixture
def suite(pytester, monkeypatch):
    """A function that runs a test file with our support and settings in a process of its own."""
    pytester.makepyprojecttoml((ROOT / "pyproject.toml").read_text())
    pytester.makeconftest((ROOT / "tests/conftest.py").read_text())
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("PYTEST_XDIST_TESTRUNUID", raising=False)  # what it plants is not for us to find

    def run(source, *options):
        path = pytester.makepyfile(source)
        return pytester.run(sys.executable, "-m", "pytest", "-v", str(path), *options)

    return run


async def test_coroutine_tests_run_on_the_backend_of_their_id(anyio_backend_name, request):
    library = "trio" if "trio" in sys.modules and sys.modules["trio"].lowlevel.in_trio_run() else "asyncio"
    assert library == anyio_backend_name
    assert f"[{library}]" in request.node.name


@pytest.mark.slow
def test_a_test_that_blocks_its_loop_fails_with_the_stack_of_the_blocker(suite):
    result = suite("""
        from tests.support.backends import WATCH
        async def test_blocks():
            WATCH.noticed.clear()
            WATCH.noticed.wait(60)
    """)
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["the event loop was blocked for 2.0 s by", "*WATCH.noticed.wait(60)*"])


@pytest.mark.slow
def test_soak_tests_run_only_when_asked_for(suite):
    source = """
        import pytest
        from hypothesis import settings
        @pytest.mark.soak
        def test_long(): assert settings().max_examples == 5_000
        def test_short(): assert settings().max_examples < 5_000
    """
    suite(source).assert_outcomes(passed=1, deselected=1)
    suite(source, "-m", "soak").assert_outcomes(passed=1, deselected=1)


@pytest.mark.parametrize("turn", ["first", "second"])
def test_each_test_has_a_postgres_database_of_its_own(postgres_url, turn):
    with psycopg.connect(postgres_url) as connection:
        connection.execute("CREATE TABLE ours ()")  # the second could not if they shared one


@pytest.mark.slow
def test_a_connection_left_open_is_reported_and_does_not_keep_the_database(postgres_server):
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(fresh_database(postgres_server, "flowcore_test_left_open", leave_s=0.1))
        connection = psycopg.connect(url, autocommit=True)
        connection.execute("SELECT 'left open'")
        with pytest.raises(ConnectionsLeft, match="SELECT 'left open'"):
            stack.close()
    with pytest.raises(psycopg.OperationalError, match="terminat"):
        connection.execute("SELECT 1")
    connection.close()


@pytest.mark.slow
def test_planted_secrets_are_found_wherever_they_are_left(suite):
    source = """
        import base64, logging, subprocess
        from tests.support.planted_secrets import plant
        def test_print(): print(plant())
        def test_log(): logging.getLogger().warning("the key is %s", plant())
        def test_start(): subprocess.run(["true", plant()])
        def test_keep(): kept = plant()
        def test_write(tmp_path):
            (tmp_path / "header").write_bytes(base64.b64encode(f"me:{plant()}".encode()))
    """
    suite(source, "-n", "1").stdout.fnmatch_lines(
        [
            "*AssertionError: planted secrets were written to files*",
            "*/test_write0/header*",
            "FAILED *::test_print*",
            "FAILED *::test_log*",
            "FAILED *::test_start*",
            "*3 failed, 2 passed*",
        ]
    )


@pytest.mark.slow
def test_planted_secrets_are_found_in_rows_that_are_no_more(suite):
    result = suite("""
        import psycopg
        from tests.support.planted_secrets import plant
        def test_insert(postgres_url):
            with psycopg.connect(postgres_url) as connection:
                connection.execute("CREATE TABLE leak (secret TEXT)")
                connection.execute("INSERT INTO leak VALUES (%s)", [plant()])
                connection.execute("DELETE FROM leak")
    """)
    result.stdout.fnmatch_lines(["*AssertionError: planted secrets were written to PostgreSQL*"])

"""Every spelling of a database URL that people have in their settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowcore.database.urls import Driver, parse_url
from flowcore.errors import SettingsError

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("raw", "driver", "query"),
    [
        ("postgresql://u:p%40s@h/db", Driver.PSYCOPG, {}),
        ("postgres://u@h/db", Driver.PSYCOPG, {}),
        ("postgresql+psycopg://u@h/db", Driver.PSYCOPG, {}),
        ("postgres+psycopg2://u@h/db?sslmode=verify-full", Driver.PSYCOPG, {"sslmode": "verify-full"}),
        (
            "postgresql+asyncpg://u@h/db?ssl=require&timeout=5",
            Driver.ASYNCPG,
            {"sslmode": "require", "connect_timeout": "5"},
        ),
        ("postgresql+asyncpg://u@h/db?ssl=false", Driver.ASYNCPG, {"sslmode": "disable"}),
        ("postgresql+asyncpg://u@h/db?statement_cache_size=0", Driver.ASYNCPG, {}),
        ("postgresql+pg8000://u@/db?unix_sock=/run/pg/.s.PGSQL.5432", Driver.PSYCOPG, {"host": "/run/pg"}),
        ("postgresql://%2Frun%2Fpg/db", Driver.PSYCOPG, {"host": "/run/pg"}),
        ("postgresql:///db?host=/run/pg", Driver.PSYCOPG, {"host": "/run/pg"}),
        ("postgresql://u@/db?host=a:1&host=b:2", Driver.PSYCOPG, {"host": ("a:1", "b:2")}),
        ("postgresql://u@h/db?search_path=flow", Driver.PSYCOPG, {"options": "-csearch_path=flow"}),
        (
            "postgresql://u@h/db?options=-cwork_mem%3D9MB&search_path=flow",
            Driver.PSYCOPG,
            {"options": "-cwork_mem=9MB -csearch_path=flow"},
        ),
    ],
)
def test_postgresql_urls_become_libpqs(raw: str, driver: Driver, query: dict[str, object]) -> None:
    target = parse_url(raw)
    assert (target.driver, target.url.drivername, dict(target.url.query)) == (
        driver,
        "postgresql+psycopg",
        query,
    )


def test_a_password_is_decoded_once() -> None:
    assert parse_url("postgresql://u:p%40s@h/db").url.password == "p@s"


@pytest.mark.parametrize("scheme", ["sqlite", "sqlite+pysqlite", "sqlite+aiosqlite"])
@pytest.mark.parametrize(
    ("rest", "path"),
    [("flow.db", "/srv/here/flow.db"), ("a/b.db", "/srv/here/a/b.db"), ("/x/a.db", "/x/a.db")],
)
def test_sqlite_paths_are_absolute_at_once(scheme: str, rest: str, path: str) -> None:
    target = parse_url(f"{scheme}:///{rest}", folder=Path("/srv/here"))
    assert (target.driver, target.sqlite_path, target.url.drivername) == (Driver.SQLITE, Path(path), "sqlite")


def test_relative_sqlite_paths_are_taken_from_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert parse_url("sqlite:///flow.db").sqlite_path == tmp_path / "flow.db"


@pytest.mark.parametrize(
    ("raw", "is_memory"),
    [
        ("sqlite://", True),
        ("sqlite:///:memory:", True),
        ("sqlite:///file::memory:?cache=shared&uri=true", True),
        ("sqlite:///file:flow?mode=memory&cache=shared&uri=true", True),
        ("sqlite:////x/a.db", False),
        ("sqlite:///file:/x/a.db?uri=true", False),
        ("postgresql://h/db", False),
    ],
)
def test_memory_databases_are_recognised(raw: str, is_memory: bool) -> None:
    assert parse_url(raw).is_memory is is_memory


@pytest.mark.parametrize(
    ("raw", "remedy"),
    [
        ("mysql+pymysql://u@h/db", "postgresql://user@host/database"),
        ("postgresql+cobol://u@h/db", "psycopg2"),
        ("sqlite://flow.db", "sqlite:////flow.db/"),
        ("flow.db", "sqlite:///path/to/flow.db"),
        ("", "sqlite:///path/to/flow.db"),
        ("postgresql://u@h:port/db", "sqlite:///path/to/flow.db"),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_remedy(raw: str, remedy: str) -> None:
    with pytest.raises(SettingsError) as raised:
        parse_url(raw)
    assert remedy in str(raised.value)


@pytest.mark.parametrize(
    "raw",
    [f"mysql://u:{SECRET}@h/db", f"postgresql+cobol://u:{SECRET}@h/db", f"postgresql://u:{SECRET}@h:port/db"],
)
def test_messages_keep_the_password_to_themselves(raw: str) -> None:
    with pytest.raises(SettingsError) as raised:
        parse_url(raw)
    assert SECRET not in str(raised.value)


def test_a_target_shows_itself_without_password_and_options() -> None:
    target = parse_url(f"postgresql://u:{SECRET}@h/db?sslpassword={SECRET}")
    assert str(target) == "postgresql+psycopg://u:***@h/db"

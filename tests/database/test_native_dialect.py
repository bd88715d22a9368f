"""The versions that the native lane needs."""

from __future__ import annotations

import psycopg
import pytest

from flowcore.database.native_dialect import check_versions
from flowcore.errors import SettingsError


def test_the_installed_versions_fit() -> None:
    check_versions()


def test_other_versions_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(psycopg.Connection, "wait")
    with pytest.raises(SettingsError, match=r"has no wait; install psycopg 3\.3 and SQLAlchemy 2\.1"):
        check_versions()

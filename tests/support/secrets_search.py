"""Searches what the tests leave behind for planted secrets; `planted_secrets.py` makes them.

`databases.py` searches the PostgreSQL server before it stops. Under pytest-xdist all of this happens in the
workers, where tests run: each searches its own folder, and its own reports before they are sent.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator, Sequence
from typing import Any

import pytest

from tests.support.planted_secrets import find_planted, holds_planted

_STARTS = {"subprocess.Popen", "os.exec", "os.posix_spawn", "os.system"}


def _refuse_arguments(event: str, arguments: Sequence[Any]) -> None:
    # The first two are the program and its arguments; then come its folder and environment.
    if event in _STARTS and holds_planted(repr(arguments[:2])):
        raise AssertionError("a planted secret is among the arguments of a process")


@pytest.fixture(scope="session", autouse=True)
def _no_planted_secret_is_left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    sys.addaudithook(_refuse_arguments)
    yield
    assert find_planted(tmp_path_factory.getbasetemp()) == [], "planted secrets were written to files"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test that printed or logged a planted secret."""
    report = yield
    if any(holds_planted(text) for _, text in report.sections):
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid} printed or logged a planted secret"
        report.sections.clear()
    return report

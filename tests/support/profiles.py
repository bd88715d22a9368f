"""How hard a run looks: Hypothesis profiles dev, ci and soak, and tests that only a soak runs.

`CI=true` chooses ci, `-m soak` chooses soak, `--hypothesis-profile` overrules both. Importing
Hypothesis makes trio's order of tasks deterministic; a test that explores orders draws
`st.random_module()`, else every example repeats the same one.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

# Examples on virtual time and real databases are uneven: limits on their time would only flake.
settings.register_profile(
    "dev",
    max_examples=50,
    deadline=None,
    print_blob=True,
    report_multiple_bugs=False,  # one error, not a group: planted faults are caught by its type
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("ci", settings.get_profile("dev"), max_examples=150)
settings.register_profile("soak", settings.get_profile("dev"), max_examples=5_000)


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("hypothesis_profile", default=None) is None:
        settings.load_profile(_profile_of(config))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests marked soak unless `-m soak` asks for them."""
    soaks = [item for item in items if item.get_closest_marker("soak")]
    if soaks and not _asks_for_soak(config):
        config.hook.pytest_deselected(items=soaks)
        items[:] = [item for item in items if item not in set(soaks)]


def _profile_of(config: pytest.Config) -> str:
    if _asks_for_soak(config):
        return "soak"
    return "ci" if os.environ.get("CI") == "true" else "dev"


def _asks_for_soak(config: pytest.Config) -> bool:
    expression: str = config.getoption("markexpr")
    return "soak" in expression.split() and "not soak" not in expression

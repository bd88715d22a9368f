"""How hard a run looks: Hypothesis profiles dev, ci and soak, and tests that only a soak runs.

`CI=true` chooses ci, `-m soak` chooses soak, `--hypothesis-profile` overrules both. Importing
Hypothesis makes trio's order of tasks deterministic; a test that explores orders draws
`st.random_module()`, else every example repeats the same one.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

# Virtual time and real databases make single examples uneven, so time limits would only flake.
QUIET = {"deadline": None, "print_blob": True, "suppress_health_check": [HealthCheck.too_slow]}

settings.register_profile("dev", max_examples=50, **QUIET)
settings.register_profile("ci", max_examples=150, derandomize=False, **QUIET)
settings.register_profile("soak", max_examples=5_000, **QUIET)


def pytest_configure(config: pytest.Config) -> None:
    if not config.getoption("hypothesis_profile", default=None):
        settings.load_profile(_profile_of(config))


def _profile_of(config: pytest.Config) -> str:
    if _asks_for_soak(config):
        return "soak"
    return "ci" if os.environ.get("CI") == "true" else "dev"


def _asks_for_soak(config: pytest.Config) -> bool:
    return "soak" in config.getoption("markexpr")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests marked soak unless `-m` speaks of them."""
    if _asks_for_soak(config):
        return
    soaks = [item for item in items if item.get_closest_marker("soak")]
    if soaks:
        config.hook.pytest_deselected(items=soaks)
        items[:] = [item for item in items if not item.get_closest_marker("soak")]

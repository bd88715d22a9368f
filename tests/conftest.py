"""What every test can rely on; each subject is a plugin of its own in `tests/support/`."""

from __future__ import annotations

pytest_plugins = [
    "tests.support.backends",
    "tests.support.databases",
    "tests.support.interrupts",
    "tests.support.profiles",
    "tests.support.scene_databases",
    "tests.support.secrets_search",
    "tests.support.simulated_steps",
    "tests.support.workers",
    "pytester",
]

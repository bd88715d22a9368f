"""Run a command's coroutine on the event loop that the settings name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio
from anyio import get_available_backends

from flowcore.errors import SettingsError
from flowcore.settings import Backend

T = TypeVar("T")


def run_on_loop(backend: Backend, function: Callable[[], Awaitable[T]]) -> T:
    """Call `function` on a new loop and return its result.

    Raises:
        SettingsError: the backend is not installed.
    """
    if backend not in get_available_backends():
        raise SettingsError(f"the backend {backend} is not installed; pip install 'flowcore[{backend}]'")
    return anyio.run(function, backend=backend)

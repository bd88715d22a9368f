"""Hear at once that something has changed in a folder, where the extra `watch` is installed.

This only brings wake-ups: whoever hears one looks, and looks by itself now and then. So nothing is lost where
changes cannot be heard of, as on network file systems.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import anyio

log = logging.getLogger(__name__)

#: Milliseconds: how often the library looks for news, and for how long it collects them.
_STEP_MS, _DEBOUNCE_MS = 100, 400
#: How long to wait before a folder is watched again that could not be.
_AGAIN_S = 10.0


def can_watch() -> bool:
    """Whether the extra is installed."""
    return importlib.util.find_spec("watchfiles") is not None


async def watch_folder(folder: str, notice: Callable[[], None]) -> None:
    """Call `notice` whenever something below the folder has changed, until cancelled."""
    # Imported on demand: it is an extra.
    awatch = importlib.import_module("watchfiles").awatch
    while True:
        try:
            await _watch(awatch, folder, notice)
        # Whatever a folder that is not there, or a limit of the system, is called by the library.
        except Exception as error:
            log.debug("%s cannot be watched at present: %s", folder, error)
        await anyio.sleep(_AGAIN_S)


async def _watch(awatch: Any, folder: str, notice: Callable[[], None]) -> None:
    stopped = anyio.Event()
    async with anyio.create_task_group() as nursery:
        nursery.start_soon(_set_when_cancelled, stopped)
        changes = awatch(
            folder,
            watch_filter=_is_news,
            debounce=_DEBOUNCE_MS,
            step=_STEP_MS,
            stop_event=stopped,
            ignore_permission_denied=True,
        )
        async with aclosing(changes):
            async for _ in changes:
                notice()
        nursery.cancel_scope.cancel()


async def _set_when_cancelled(event: anyio.Event) -> None:
    # The library waits in a thread that hears of a cancellation by this event only.
    try:
        await anyio.sleep_forever()
    finally:
        event.set()


def _is_news(change: object, path: str) -> bool:
    # What importing leaves behind.
    return "__pycache__" not in Path(path).parts

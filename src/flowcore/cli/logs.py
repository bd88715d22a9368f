"""Logging of a command: to standard error, one line a message."""

from __future__ import annotations

import logging

from flowcore.secrets.masking import MaskingFilter
from flowcore.settings import LogLevel

#: One for all: a handler takes the same filter only once.
_MASKING = MaskingFilter()


def configure_logging(level: LogLevel) -> None:
    """Log to standard error from now on. For commands only: an embedding program sets up its own."""
    logging.basicConfig(
        level=level.upper(),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        datefmt="%Y-%m-%dT%H:%M:%S%z",
    )
    for handler in logging.getLogger().handlers:
        handler.addFilter(_MASKING)
    # What Alembic says of its own workings is of no use to an operator; our migrations log themselves.
    logging.getLogger("alembic").setLevel(logging.WARNING)

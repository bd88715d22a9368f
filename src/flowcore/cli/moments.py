"""Times that users type."""

from __future__ import annotations

from datetime import UTC, datetime

import click


def parse_moment(text: str) -> datetime:
    """Read a time that a user typed; without an offset it is in UTC.

    Raises:
        click.BadParameter: it is no time.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text} is no time; write it like 2026-03-01T06:00:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

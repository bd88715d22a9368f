"""`airflow.utils.dates` of older releases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def days_ago(n: int, hour: int = 0, minute: int = 0, second: int = 0, microsecond: int = 0) -> datetime:
    """The day that was `n` days ago, by default its midnight; aware, in UTC.

    A `start_date` that moves with the present is rarely meant; a fixed date is better.
    """
    today = datetime.now(UTC).replace(hour=hour, minute=minute, second=second, microsecond=microsecond)
    return today - timedelta(days=n)

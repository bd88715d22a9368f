"""The filters that templates have besides Jinja's: `{{ logical_date | ds }}`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime


def ds(moment: date | None) -> str | None:
    """2024-01-31."""
    return None if moment is None else moment.strftime("%Y-%m-%d")


def ds_nodash(moment: date | None) -> str | None:
    """20240131."""
    return None if moment is None else moment.strftime("%Y%m%d")


def ts(moment: datetime | None) -> str | None:
    """2024-01-31T06:00:00+00:00."""
    return None if moment is None else moment.isoformat()


def ts_nodash(moment: datetime | None) -> str | None:
    """20240131T060000."""
    return None if moment is None else moment.strftime("%Y%m%dT%H%M%S")


def ts_nodash_with_tz(moment: datetime | None) -> str | None:
    """20240131T060000+0000."""
    return None if moment is None else moment.isoformat().replace("-", "").replace(":", "")


FILTERS: Mapping[str, Callable[..., str | None]] = {
    "ds": ds,
    "ds_nodash": ds_nodash,
    "ts": ts,
    "ts_nodash": ts_nodash,
    "ts_nodash_with_tz": ts_nodash_with_tz,
}

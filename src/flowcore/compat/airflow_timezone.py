"""`airflow.utils.timezone`: aware datetimes; UTC is meant where no zone is given."""

from __future__ import annotations

import datetime as dt

utc = dt.UTC


def datetime(*args: int, tzinfo: dt.tzinfo = utc) -> dt.datetime:
    """A datetime with a zone."""
    return dt.datetime(*args, tzinfo=tzinfo)  # type: ignore[misc,arg-type]


def utcnow() -> dt.datetime:
    """The present, in UTC."""
    return dt.datetime.now(utc)


def is_localized(value: dt.datetime) -> bool:
    """Whether it has a zone."""
    return value.utcoffset() is not None


def make_aware(value: dt.datetime, timezone: dt.tzinfo | None = None) -> dt.datetime:
    """The same reading of the clock in a zone.

    Raises:
        ValueError: it has a zone already.
    """
    if is_localized(value):
        raise ValueError(f"make_aware() was given {value!r}, which has a zone; give a naive datetime")
    return value.replace(tzinfo=timezone or utc)


def make_naive(value: dt.datetime, timezone: dt.tzinfo | None = None) -> dt.datetime:
    """What the clock shows in a zone, without the zone.

    Raises:
        ValueError: it has no zone.
    """
    if not is_localized(value):
        raise ValueError(f"make_naive() was given {value!r}, which has no zone; give an aware datetime")
    return value.astimezone(timezone or utc).replace(tzinfo=None)


def convert_to_utc(value: dt.datetime | None) -> dt.datetime | None:
    """The same moment in UTC; a naive datetime is in UTC already."""
    if value is None:
        return None
    return value.astimezone(utc) if is_localized(value) else make_aware(value)


def parse(text: str, timezone: dt.tzinfo | None = None) -> dt.datetime:
    """The moment that an ISO 8601 text names.

    Raises:
        ValueError: it is no such text.
    """
    found = dt.datetime.fromisoformat(text)
    return found if is_localized(found) else make_aware(found, timezone)

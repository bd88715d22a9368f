"""What of Python's own types is handed on as XComs although JSON has no word for it, and how it is put."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import attrs

from flowcore.runner.author_times import author_time


@attrs.frozen
class Known:
    """A type by the name of its class, and how its values become JSON and back."""

    name: str
    type: type
    dump: Callable[[Any], Any]
    load: Callable[[Any], Any]


def _dump_datetime(value: datetime) -> Any:
    return [value.isoformat(), getattr(value.tzinfo, "key", None)]


def _load_datetime(data: Any) -> datetime:
    text, zone = data
    moment = datetime.fromisoformat(text)
    return moment if zone is None else moment.astimezone(ZoneInfo(zone))


def _dump_timedelta(value: timedelta) -> Any:
    return [value.days, value.seconds, value.microseconds]


def _dump_offset(value: timezone) -> Any:
    offset = value.utcoffset(None)
    return offset.total_seconds()


_PENDULUM = "pendulum.datetime.DateTime"
#: The more special ones first: a datetime is a date, too.
_KINDS = (
    Known("datetime.datetime", datetime, _dump_datetime, _load_datetime),
    Known("datetime.date", date, date.isoformat, date.fromisoformat),
    Known("datetime.time", time, time.isoformat, time.fromisoformat),
    Known("datetime.timedelta", timedelta, _dump_timedelta, lambda data: timedelta(*data)),
    Known("datetime.timezone", timezone, _dump_offset, lambda data: timezone(timedelta(seconds=data))),
    Known("zoneinfo.ZoneInfo", ZoneInfo, lambda zone: zone.key, ZoneInfo),
    Known("builtins.set", set, list, set),
    Known("builtins.frozenset", frozenset, list, frozenset),
    Known("decimal.Decimal", Decimal, str, Decimal),
    Known("uuid.UUID", UUID, str, UUID),
    Known("builtins.bytes", bytes, lambda data: b64encode(data).decode(), b64decode),
)
_pendulums = Known(_PENDULUM, datetime, _dump_datetime, lambda data: author_time(_load_datetime(data)))
KNOWN: Mapping[str, Known] = {kind.name: kind for kind in (*_KINDS, _pendulums)}


def known(value: Any) -> Known | None:
    """The kind that a value is of; None if it is of none."""
    if type(value).__module__.partition(".")[0] == "pendulum" and isinstance(value, datetime):
        return _pendulums
    return next((kind for kind in _KINDS if isinstance(value, kind.type)), None)

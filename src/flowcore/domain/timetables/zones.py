"""Time zones by name: those of the IANA database, `UTC`, and fixed offsets such as `UTC+05:30`."""

from __future__ import annotations

import re
from datetime import UTC, timedelta, timezone, tzinfo
from functools import cache
from zoneinfo import ZoneInfo

from flowcore.errors import DagError

_FIXED_OFFSET = re.compile(r"UTC([+-])(\d\d):(\d\d)")


@cache
def zone_of(name: str) -> tzinfo:
    """The zone of that name; a `DagError` if there is none."""
    if name == "UTC":
        return UTC
    if match := _FIXED_OFFSET.fullmatch(name):
        sign, hours, minutes = match.groups()
        offset = timedelta(hours=int(hours), minutes=int(minutes))
        return timezone(-offset if sign == "-" else offset)
    try:
        return ZoneInfo(name)
    # Of a name that no file can have, a missing file, and a directory such as "Europe".
    except (ValueError, KeyError, OSError) as error:
        raise DagError(f"there is no time zone {name!r}; use an IANA name such as 'Europe/Zurich'") from error


def zone_name(zone: str | tzinfo) -> str:
    """The name by which `zone_of` finds the zone; a `DagError` if it has none."""
    name = zone if isinstance(zone, str) else getattr(zone, "key", None) or str(zone)
    zone_of(name)
    return name

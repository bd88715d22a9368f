"""Mappers of keys that are times: to the beginning of the hour, the day, and so on up to the year."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import attrs

from flowcore.domain.partitions.base import PartitionMapper
from flowcore.domain.timetables.zones import zone_name, zone_of

#: How keys of updates are written, as `CronPartitionTimetable` does it.
KEY_FORMAT = "%Y-%m-%dT%H:%M:%S"

_DIRECTIVES: Mapping[str, str] = {"%Y": r"\d{4}", **{f"%{one}": r"\d\d" for one in "mdHMSVUW"}}
_PLACES = re.compile(r"(%[A-Za-z]|\{quarter\})")


@attrs.frozen(kw_only=True)
class _StartOf(PartitionMapper):
    """Reads a key by `input_format` in `timezone`, and writes the beginning of its period.

    `output_format` is by default that of the class. A key with an offset of its own is moved to the zone.
    """

    timezone: str = attrs.field(default="UTC", converter=zone_name)
    input_format: str = KEY_FORMAT
    output_format: str | None = None

    expected_decoded_type: ClassVar[type] = datetime
    default_output_format: ClassVar[str]

    @property
    def _written(self) -> str:
        return self.output_format or self.default_output_format

    def to_downstream(self, key: str) -> str:
        moment = datetime.strptime(key, self.input_format)  # noqa: DTZ007 - local time
        if moment.tzinfo is not None:
            moment = moment.astimezone(zone_of(self.timezone)).replace(tzinfo=None)
        return self.format(self.normalize(moment))

    @abstractmethod
    def normalize(self, dt: datetime) -> datetime:
        """The beginning of the period."""

    def format(self, decoded: datetime) -> str:
        aware = decoded if decoded.tzinfo else decoded.replace(tzinfo=zone_of(self.timezone))
        return aware.strftime(self._written)

    def decode_downstream(self, downstream_key: str) -> datetime:
        local = datetime.strptime(downstream_key, self._written)  # noqa: DTZ007 - local time
        return self.normalize(local.replace(tzinfo=None))

    def encode_upstream(self, decoded: datetime) -> str:
        return decoded.replace(tzinfo=zone_of(self.timezone)).strftime(self.input_format)

    def to_partition_date(self, downstream_key: str) -> datetime | None:
        local = self.decode_downstream(downstream_key).replace(tzinfo=zone_of(self.timezone))
        return local.astimezone(UTC)

    def _parts(self, key: str) -> Mapping[str, int]:
        """What stands in a key that `strptime` cannot read: by the letters of its format."""
        names: list[str] = []
        pattern = ""
        for piece in _PLACES.split(self._written):
            if piece == "{quarter}" or piece in _DIRECTIVES:
                names.append(piece.strip("%{}"))
                pattern += f"({_DIRECTIVES.get(piece, '[1-4]')})"
            else:
                pattern += re.escape(piece)
        found = re.fullmatch(pattern, key)
        if found is None:
            raise ValueError(f"{key!r} is not written as {self._written!r}")
        return {name: int(text) for name, text in zip(names, found.groups(), strict=True)}


class StartOfHourMapper(_StartOf):
    """The hour: `2024-03-13T10`."""

    default_output_format = "%Y-%m-%dT%H"

    def normalize(self, dt: datetime) -> datetime:
        return dt.replace(minute=0, second=0, microsecond=0)


class StartOfDayMapper(_StartOf):
    """The day: `2024-03-13`."""

    default_output_format = "%Y-%m-%d"

    def normalize(self, dt: datetime) -> datetime:
        return dt.replace(hour=0, minute=0, second=0, microsecond=0)


class StartOfWeekMapper(_StartOf):
    """The Monday of the week: `2024-03-11 (W11)`. The format has to have %Y, %m and %d."""

    default_output_format = "%Y-%m-%d (W%V)"

    def normalize(self, dt: datetime) -> datetime:
        monday = dt - timedelta(days=dt.weekday())
        return monday.replace(hour=0, minute=0, second=0, microsecond=0)

    def decode_downstream(self, downstream_key: str) -> datetime:
        parts = self._parts(downstream_key)
        if not {"Y", "m", "d"} <= parts.keys():
            raise ValueError(f"{self._written!r} has not all of %Y, %m and %d")
        return datetime(parts["Y"], parts["m"], parts["d"])  # noqa: DTZ001


class StartOfMonthMapper(_StartOf):
    """The month: `2024-03`."""

    default_output_format = "%Y-%m"

    def normalize(self, dt: datetime) -> datetime:
        return dt.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


class StartOfQuarterMapper(_StartOf):
    """The quarter: `2024-Q1`. The format has to have %Y and {quarter}."""

    default_output_format = "%Y-Q{quarter}"

    def normalize(self, dt: datetime) -> datetime:
        month = dt.month - (dt.month - 1) % 3
        return dt.replace(month=month, day=1, hour=0, minute=0, second=0, microsecond=0)

    def format(self, decoded: datetime) -> str:
        return super().format(decoded).replace("{quarter}", str((decoded.month + 2) // 3))

    def decode_downstream(self, downstream_key: str) -> datetime:
        parts = self._parts(downstream_key)
        if not {"Y", "quarter"} <= parts.keys():
            raise ValueError(f"{self._written!r} has not both of %Y and {{quarter}}")
        return datetime(parts["Y"], 3 * parts["quarter"] - 2, 1)  # noqa: DTZ001


class StartOfYearMapper(_StartOf):
    """The year: `2024`."""

    default_output_format = "%Y"

    def normalize(self, dt: datetime) -> datetime:
        return dt.replace(month=1, day=1, hour=0, minute=0, second=0, microsecond=0)

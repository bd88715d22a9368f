"""Mappers, windows and wait policies as JSON documents and back: `{"type": "FixedKeyMapper", ...}`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import attrs

from flowcore.domain.partitions import mappers, rollup, temporal, windows
from flowcore.domain.partitions.base import PartitionMapper, Window
from flowcore.errors import DagError

_KNOWN: Mapping[str, type[Any]] = {
    cls.__name__: cls
    for cls in (
        mappers.IdentityMapper,
        mappers.FixedKeyMapper,
        mappers.AllowedKeyMapper,
        mappers.ProductMapper,
        mappers.ChainMapper,
        temporal.StartOfHourMapper,
        temporal.StartOfDayMapper,
        temporal.StartOfWeekMapper,
        temporal.StartOfMonthMapper,
        temporal.StartOfQuarterMapper,
        temporal.StartOfYearMapper,
        rollup.RollupMapper,
        rollup.FanOutMapper,
        rollup.WaitForAll,
        rollup.MinimumCount,
        windows.HourWindow,
        windows.DayWindow,
        windows.WeekWindow,
        windows.MonthWindow,
        windows.QuarterWindow,
        windows.YearWindow,
        windows.SegmentWindow,
    )
}


def dump_mapper(mapper: PartitionMapper) -> dict[str, Any]:
    """The document of a mapper.

    Raises:
        DagError: it is a class that flowcore does not know.
    """
    document: dict[str, Any] = _dump(mapper)
    return document


def load_mapper(document: Mapping[str, Any]) -> PartitionMapper:
    """The mapper that `dump_mapper` made the document of.

    Raises:
        KeyError, TypeError, ValueError, DagError: it is malformed.
    """
    loaded = _load(document)
    if not isinstance(loaded, PartitionMapper):
        raise TypeError(f"{document!r:.80} is no partition mapper")
    return loaded


def _dump(value: Any) -> Any:
    if isinstance(value, PartitionMapper | Window | rollup.WaitPolicy):
        cls = type(value)
        if _KNOWN.get(cls.__name__) is not cls:
            raise DagError(
                f"{cls.__name__} is no partition mapper, window or wait policy that schedulers know; put one"
                " together from those of flowcore.sdk"
            )
        fields = ((field.name, getattr(value, field.name)) for field in attrs.fields(cls))
        return {"type": cls.__name__, **{name: _dump(one) for name, one in fields if one is not None}}
    return [_dump(one) for one in value] if isinstance(value, tuple) else value


def _load(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(_load, value))
    if not isinstance(value, Mapping):
        return value
    arguments = {name: _load(one) for name, one in value.items() if name != "type"}
    cls = _KNOWN[cast("str", value["type"])]
    return cls(*arguments.pop("mappers", ()), **arguments)

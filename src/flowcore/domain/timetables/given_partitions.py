"""The partition of a run that somebody triggers with a key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowcore.domain.partitions.base import Partition, checked_key
from flowcore.domain.timetables.partitioned_assets import PartitionedAssetTimetable
from flowcore.domain.timetables.partitioned_times import CronPartitionTimetable
from flowcore.domain.timetables.registry import load_timetable
from flowcore.errors import UsageError


def given_partition(timetable: Mapping[str, Any], key: str) -> Partition:
    """What a key stands for to the timetable of a document.

    Raises:
        UsageError: it is none, or is not written as the timetable does.
        DagError: the document is malformed.
    """
    checked_key(key)
    loaded = load_timetable(timetable)
    if not isinstance(loaded, PartitionedAssetTimetable | CronPartitionTimetable):
        return Partition(key)
    try:
        return loaded.partition(key)
    except ValueError as error:
        raise UsageError(f"{key!r} is no partition: {error}; write it as the Dag's timetable does") from error

"""Decide whether what a Dag waits for has happened: which of its assets were updated since its last such run.

The run takes everything that is pending, so that each event is consumed once by each Dag. Where events come
faster than runs are created a run takes several; how many depends on time, which assets it takes does not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import datetime

import attrs

from flowcore.domain.asset_conditions import is_met
from flowcore.domain.assets import AssetExpression, AssetKey
from flowcore.domain.partitions.base import Partition
from flowcore.domain.timetables.partitioned_assets import PartitionedAssetTimetable


@attrs.frozen
class PendingAsset:
    """An asset with events that a Dag has not consumed, and the newest of these.

    `aliases` are those through which it was ever named.
    """

    key: AssetKey
    aliases: frozenset[str]
    last_event_id: int
    updated_at: datetime


@attrs.frozen
class PendingPartition(PendingAsset):
    """The same of those that count for one partition of a Dag; `keys` are theirs."""

    keys: frozenset[str]


@attrs.frozen
class AssetRun:
    """A run for what was updated. `batch` tells it from the others of its Dag."""

    run_after: datetime
    batch: str
    partition: Partition | None = None

    @property
    def run_id(self) -> str:
        """How the run is called."""
        return f"asset_triggered__{self.run_after.isoformat()}_{self.batch}"


def asset_run(condition: AssetExpression, pending: Collection[PendingAsset]) -> AssetRun | None:
    """The run that is due; None while the condition is not met."""
    if not is_met(condition, pending):
        return None
    return AssetRun(
        run_after=max(one.updated_at for one in pending),
        batch=str(max(one.last_event_id for one in pending)),
    )


def partition_run(
    timetable: PartitionedAssetTimetable, run_key: str, pending: Collection[PendingPartition]
) -> AssetRun | None:
    """The run that is due for one partition of a Dag; None while the condition is not met."""
    arrived = [one for one in pending if timetable.has_arrived(one.key, run_key, one.keys)]
    run = asset_run(timetable.assets, arrived)
    if run is None:
        return None
    # Several partitions may have the same newest event.
    digest = hashlib.sha256(run_key.encode()).hexdigest()[:8]
    return AssetRun(
        run_after=max(one.updated_at for one in pending),
        batch=f"{max(one.last_event_id for one in pending)}_{digest}",
        partition=timetable.partition(run_key),
    )

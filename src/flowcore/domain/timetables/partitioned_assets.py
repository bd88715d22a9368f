"""The timetable of Dags that have a run for each partition of the assets that they wait for."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, ClassVar, Self

import attrs

from flowcore.domain.asset_documents import dump_asset, load_asset
from flowcore.domain.assets import Asset, AssetAlias, AssetExpression, AssetKey, AssetRef
from flowcore.domain.partitions.base import Partition, PartitionMapper, is_key
from flowcore.domain.partitions.documents import dump_mapper, load_mapper
from flowcore.domain.partitions.mappers import IdentityMapper, each
from flowcore.domain.partitions.rollup import RollupMapper
from flowcore.domain.timetables.assets import AssetTriggeredTimetable
from flowcore.errors import DagError, UsageError

#: More runs than these one update does not start, unless its mapper says otherwise.
DOWNSTREAM_KEYS_MAX = 1000

Config = tuple[tuple[AssetExpression, PartitionMapper], ...]


class KeyNotMapped(UsageError):
    """The key of an update becomes no key of a run, or too many."""


def _config(config: object) -> Config:
    if not isinstance(config, Mapping | tuple | None):
        raise DagError(f"partition_mapper_config={config!r:.80} is no dict of partition mappers by asset")
    pairs = tuple(config.items() if isinstance(config, Mapping) else config or ())
    for asset, mapper in pairs:
        if not isinstance(asset, AssetExpression) or not isinstance(mapper, PartitionMapper):
            raise DagError(
                f"partition_mapper_config has {asset!r:.60}: {mapper!r:.60}; give it mappers by asset"
            )
        if any(isinstance(part, AssetAlias) for part in asset.parts()):
            raise DagError(
                f"partition_mapper_config names {asset!r:.60}; name the assets of an alias in its place"
            )
    return pairs


def _mapper(mapper: object) -> PartitionMapper:
    if not isinstance(mapper, PartitionMapper):
        raise DagError(
            f"default_partition_mapper={mapper!r:.60} is no partition mapper; use one of flowcore.sdk"
        )
    return mapper


@attrs.frozen(kw_only=True)
class PartitionedAssetTimetable(AssetTriggeredTimetable):
    """A run for each partition of the assets, once all that are waited for have come.

    Mappers say for which partition of the Dag an update counts: those of `partition_mapper_config` by asset,
    for others the `default_partition_mapper`. Updates without a key do not count.
    """

    type: ClassVar = "partitioned_assets"
    summary: ClassVar = "Partitioned Asset"

    partition_mapper_config: Config = attrs.field(default=(), converter=_config)
    default_partition_mapper: PartitionMapper = attrs.field(factory=IdentityMapper, converter=_mapper)

    def mapper_of(self, key: AssetKey) -> PartitionMapper:
        """The mapper for updates of an asset."""
        for asset, mapper in self.partition_mapper_config:
            for part in asset.parts():
                match part:
                    case Asset(name=name) | AssetRef(name=str(name)) if name == key.name:
                        return mapper
                    case AssetRef(uri=str(uri)) if uri == key.uri:
                        return mapper
        return self.default_partition_mapper

    def keys_of_runs(self, asset: AssetKey, key: str) -> tuple[str, ...]:
        """For which runs an update counts.

        Raises:
            KeyNotMapped: for none that can be told, or for too many.
        """
        mapper = self.mapper_of(asset)
        what = f"partition {key!r} of asset {asset.name!r} starts no run"
        try:
            keys = tuple(dict.fromkeys(each(mapper.to_downstream(key))))
        except (ValueError, OverflowError) as error:
            raise KeyNotMapped(f"{what}: {error}; mend its partition mapper, or the key") from error
        limit = mapper.max_downstream_keys or DOWNSTREAM_KEYS_MAX
        if len(keys) > limit:
            raise KeyNotMapped(f"{what}: it becomes {len(keys)} keys; raise max_downstream_keys={limit}")
        if not all(map(is_key, keys)):
            raise KeyNotMapped(f"{what}: it becomes {keys!r:.80}; mend its partition mapper")
        return keys

    def has_arrived(self, asset: AssetKey, run_key: str, keys: Collection[str]) -> bool:
        """Whether the updates of an asset that have come for a run, at least one, are enough."""
        mapper = self.mapper_of(asset)
        try:
            return not isinstance(mapper, RollupMapper) or mapper.has_arrived(run_key, keys)
        except (ValueError, OverflowError):
            # A key that the mapper of another asset made: this one's updates never get it.
            return False

    def partition(self, run_key: str) -> Partition:
        """The partition of that key; it has a date if all mappers that know one agree."""
        try:
            dates = {mapper.to_partition_date(run_key) for mapper in self._mappers()} - {None}
        except (ValueError, OverflowError):
            dates = set()
        return Partition(run_key, dates.pop() if len(dates) == 1 else None)

    def _mappers(self) -> Iterator[PartitionMapper]:
        for part in self.assets.parts():
            match part:
                case Asset(key=key):
                    yield self.mapper_of(key)
                case AssetRef(name=name, uri=uri):
                    yield self.mapper_of(AssetKey(name or "", uri or ""))

    def serialize(self) -> dict[str, Any]:
        return {
            "type": self.type,
            "assets": dump_asset(self.assets),
            "config": [[dump_asset(a), dump_mapper(m)] for a, m in self.partition_mapper_config],
            "default": dump_mapper(self.default_partition_mapper),
        }

    @classmethod
    def deserialize(cls, document: Mapping[str, Any]) -> Self:
        return cls(
            assets=load_asset(document["assets"]),
            partition_mapper_config=tuple((load_asset(a), load_mapper(m)) for a, m in document["config"]),
            default_partition_mapper=load_mapper(document["default"]),
        )


def is_partitioned(document: Mapping[str, Any]) -> bool:
    """Whether the timetable of a document is one of these."""
    return document.get("type") == PartitionedAssetTimetable.type

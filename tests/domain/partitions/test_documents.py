from __future__ import annotations

import json

import pytest

from flowcore.domain.partitions.documents import dump_mapper, load_mapper
from flowcore.errors import DagError
from flowcore.sdk import (
    AllowedKeyMapper,
    ChainMapper,
    FanOutMapper,
    FixedKeyMapper,
    IdentityMapper,
    MinimumCount,
    ProductMapper,
    RollupMapper,
    SegmentWindow,
    StartOfQuarterMapper,
    StartOfWeekMapper,
    WeekWindow,
)


@pytest.mark.parametrize(
    "mapper",
    [
        IdentityMapper(max_downstream_keys=3),
        AllowedKeyMapper(["us", "eu"]),
        StartOfQuarterMapper(timezone="Asia/Taipei", output_format="%Y/{quarter}"),
        ChainMapper(IdentityMapper(), FixedKeyMapper("all"), max_downstream_keys=1),
        ProductMapper(IdentityMapper(), StartOfWeekMapper(), delimiter="/"),
        FanOutMapper(upstream_mapper=StartOfWeekMapper(), window=WeekWindow(direction="backward")),
        RollupMapper(upstream_mapper=FixedKeyMapper("all"), window=SegmentWindow(["a"]), wait_policy=None),
        RollupMapper(
            upstream_mapper=FixedKeyMapper("all"),
            window=SegmentWindow(["b", "a"]),
            wait_policy=MinimumCount(-1),
        ),
    ],
)
def test_a_document_is_turned_into_an_equal_mapper(mapper):
    assert load_mapper(json.loads(json.dumps(dump_mapper(mapper)))) == mapper


def test_a_class_of_ones_own_is_refused():
    class Mine(IdentityMapper):
        pass

    with pytest.raises(DagError, match=r"Mine is no partition mapper.* put one together"):
        dump_mapper(Mine())


@pytest.mark.parametrize("document", [{"type": "WeekWindow"}, {"type": "absent"}, {"type": "FixedKeyMapper"}])
def test_a_malformed_document_is_refused(document):
    with pytest.raises((KeyError, TypeError, ValueError, DagError)):
        load_mapper(document)

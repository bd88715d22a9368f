from __future__ import annotations

from datetime import UTC, datetime

import pytest

from flowcore.errors import DagError
from flowcore.sdk import (
    AllowedKeyMapper,
    ChainMapper,
    FanOutMapper,
    FixedKeyMapper,
    IdentityMapper,
    ProductMapper,
    SegmentWindow,
    StartOfDayMapper,
    StartOfHourMapper,
)

SCATTER = FanOutMapper(
    upstream_mapper=IdentityMapper(),
    window=SegmentWindow(["us", "eu"]),
    downstream_mapper=IdentityMapper(),
)
PRODUCT = ProductMapper(IdentityMapper(), StartOfDayMapper())
CHAIN = ChainMapper(StartOfHourMapper(), StartOfDayMapper(input_format="%Y-%m-%dT%H"))


@pytest.mark.parametrize(
    ("mapper", "key", "mapped"),
    [
        (IdentityMapper(), "us", "us"),
        (FixedKeyMapper("all"), "us", "all"),
        (AllowedKeyMapper(["us"]), "us", "us"),
        (PRODUCT, "us|2024-03-13T10:42:15", "us|2024-03-13"),
        (CHAIN, "2024-03-13T10:42:15", ["2024-03-13"]),
        (ChainMapper(IdentityMapper(), SCATTER), "x", ["eu", "us"]),
    ],
)
def test_a_key_is_mapped(mapper, key, mapped):
    assert mapper.to_downstream(key) == mapped


@pytest.mark.parametrize(
    ("mapper", "key", "complaint"),
    [
        (AllowedKeyMapper(["us"]), "mars", "only us are allowed"),
        (PRODUCT, "us", "it has 1 parts between '|', and 2 are wanted"),
        (ProductMapper(IdentityMapper(), SCATTER), "a|b", "becomes several keys"),
        (StartOfDayMapper(), "us", "does not match format"),
    ],
)
def test_a_key_that_cannot_be_mapped_is_refused(mapper, key, complaint):
    with pytest.raises(ValueError, match=complaint.replace("|", r"\|")):
        mapper.to_downstream(key)


def test_the_part_that_is_a_time_gives_the_date():
    assert PRODUCT.to_partition_date("us|2024-03-13") == datetime(2024, 3, 13, tzinfo=UTC)
    assert PRODUCT.to_partition_date("us") is None
    assert CHAIN.to_partition_date("2024-03-13") == datetime(2024, 3, 13, tzinfo=UTC)


@pytest.mark.parametrize(
    "make",
    [
        lambda: FixedKeyMapper(" "),
        lambda: AllowedKeyMapper("us"),
        lambda: AllowedKeyMapper(["x" * 251]),
        lambda: ProductMapper(IdentityMapper()),
        lambda: ChainMapper(IdentityMapper(), "us"),
        lambda: IdentityMapper(max_downstream_keys=0),
    ],
)
def test_a_mapper_that_makes_no_sense_is_refused(make):
    with pytest.raises(DagError):
        make()

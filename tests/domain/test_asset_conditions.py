from __future__ import annotations

import attrs
import pytest

from flowcore.domain.asset_conditions import is_met
from flowcore.domain.assets import Asset, AssetAlias, AssetKey

A, B, C = Asset("a", "s3://a"), Asset("b"), Asset("c")


@attrs.frozen
class Named:
    key: AssetKey
    aliases: frozenset[str] = frozenset()


@pytest.mark.parametrize(
    ("condition", "updated", "met"),
    [
        (A & B, "a", False),
        (A & B, "ab", True),
        (A | B, "b", True),
        (A | B, "c", False),
        (A & (B | C), "ac", True),
        (A & (B | C), "bc", False),
        (Asset.ref(name="a") & Asset.ref(uri="b"), "ab", True),
        (Asset.ref(uri="s3://a"), "b", False),
        (AssetAlias("daily"), "a", False),
        (AssetAlias("daily"), "c", True),
    ],
)
def test_what_is_waited_for(condition, updated, met):
    named = {
        "a": Named(A.key),
        "b": Named(B.key),
        "c": Named(C.key, frozenset({"daily"})),
    }
    assert is_met(condition, [named[one] for one in updated]) is met


def test_an_asset_of_the_same_name_elsewhere_is_another():
    assert not is_met(A, [Named(Asset("a", "s3://other").key)])

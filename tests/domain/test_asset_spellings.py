from __future__ import annotations

from flowcore.domain.asset_spellings import spelling_complaints
from flowcore.domain.assets import AssetKey

USED = [
    ("load", AssetKey("orders", "s3://a")),
    ("report", AssetKey("orders", "s3://b")),
    ("load", AssetKey("stock", "s3://stock")),
    ("other", AssetKey("stock", "s3://stock")),
]


def test_a_name_with_two_uris_is_told():
    [complaint] = spelling_complaints(USED)
    assert complaint.startswith("the asset name 'orders' goes with several URIs: 's3://a' in Dag 'load', ")
    assert complaint.endswith("spell them alike")


def test_a_uri_with_two_names_is_told():
    [complaint] = spelling_complaints([*USED[2:], ("report", AssetKey("store", "s3://stock"))])
    assert "asset URI 's3://stock' goes with several names: 'stock' in Dag 'load'" in complaint


def test_only_what_concerns_the_wanted_dags_is_told():
    assert [*spelling_complaints(USED, about={"other"})] == []
    assert len([*spelling_complaints(USED, about={"report"})]) == 1

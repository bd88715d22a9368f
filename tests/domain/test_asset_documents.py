from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowcore.domain.asset_documents import dump_asset, load_asset
from flowcore.domain.assets import Asset, AssetAlias, AssetAll, AssetAny

_names = st.text("abc", min_size=1, max_size=3)
_leaves = st.one_of(
    st.builds(Asset, _names, group=_names, extra=st.dictionaries(_names, st.integers())),
    st.builds(AssetAlias, _names),
    st.builds(lambda name: Asset.ref(name=name), _names),
    st.builds(lambda uri: Asset.ref(uri=uri), _names),
)
expressions = st.recursive(
    _leaves,
    lambda inner: st.lists(inner, min_size=1, max_size=3).flatmap(
        lambda items: st.sampled_from([AssetAll(*items), AssetAny(*items)])
    ),
    max_leaves=6,
)


@given(expressions)
def test_a_document_becomes_the_same_expression_again(expression):
    assert load_asset(json.loads(json.dumps(dump_asset(expression)))) == expression


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="no kind of asset"):
        load_asset({"table": {"name": "a"}})

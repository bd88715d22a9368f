from __future__ import annotations

import pytest

from flowcore.domain.asset_uris import normalized_uri
from flowcore.errors import DagError


@pytest.mark.parametrize(
    ("uri", "normal"),
    [
        ("S3://bucket/key/", "s3://bucket/key"),
        ("s3://bucket", "s3://bucket/"),
        ("postgres://host/db?b=2&a=1#part", "postgres://host/db?a=1&b=2"),
        ("x-own://Any/thing/", "x-own://Any/thing/"),
        ("orders of today", "orders of today"),
    ],
)
def test_uris_have_one_form(uri, normal):
    assert normalized_uri(uri) == normal
    assert normalized_uri(normal) == normal


def test_a_password_is_taken_out_with_a_warning():
    with pytest.warns(UserWarning, match="name a connection"):
        assert normalized_uri("ftp://joe:secret@host/x") == "ftp://host/x"


@pytest.mark.parametrize("uri", ["", "  ", "airflow://x", "s3://[bucket", "x" * 1501])
def test_what_is_no_uri_is_refused(uri):
    with pytest.raises(DagError, match=r"use a|use another|mend it"):
        normalized_uri(uri)

"""Options that cannot be used are refused when the backend is made."""

from __future__ import annotations

import certifi
import pytest

from flowcore.secrets.remote.http_options import service_url, trusted_authorities


@pytest.mark.parametrize(
    "url",
    [
        "",
        "vault",
        "ftp://h",
        "https://",
        "https://h?x=1",
        "https://h#x",
        "file:///x",
        "http://h:99999",
        "http://[",
        5,
        None,
    ],
)
def test_urls_that_cannot_be_used_are_refused(url):
    with pytest.raises(ValueError, match="url is no URL like"):
        service_url("url", url)


def test_url_loses_the_slash_at_its_end():
    assert service_url("url", "https://h/base/") == "https://h/base"


def test_authorities_are_those_of_a_file_where_one_is_named():
    assert trusted_authorities(False) is False
    assert trusted_authorities(certifi.where()).cert_store_stats()["x509_ca"] > 0


def test_file_of_authorities_that_is_none_is_refused(tmp_path):
    (tmp_path / "ca.pem").write_text("planted")
    for name in ("ca.pem", "missing.pem"):
        with pytest.raises(ValueError, match="verify names no file"):
            trusted_authorities(str(tmp_path / name))

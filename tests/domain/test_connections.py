from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowcore.domain.connections import Connection, parse_connection
from flowcore.errors import ConnectionInvalid

NESTED = {"nested": {"list": [1, {"a": "b"}]}}
WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)


@st.composite
def connections(draw: st.DrawFn) -> Connection:
    """What a URI can say: no description, a login where there is a password, no part that is None."""
    password = draw(st.none() | WORDS)
    extra = draw(st.dictionaries(WORDS, WORDS | JSON_VALUES, max_size=4))
    return Connection(
        conn_id="db",
        conn_type=draw(st.from_regex(r"[a-z][a-z0-9_.+]{0,9}", fullmatch=True)),
        host=draw(WORDS | st.sampled_from(["k8s://Host", "HOST", "/tmp/Sock", "://", "a://", "::1"])),
        login=draw(WORDS if password is not None else st.none() | NAMES),
        password=password,
        schema=draw(WORDS),
        port=draw(st.none() | st.integers(0, 65_535)),
        extra=json.dumps(extra) if extra else None,
    )


def parsed(text: str) -> tuple[Any, ...]:
    found = parse_connection("db", text)
    fields = (found.conn_type, found.login, found.password, found.host, found.port, found.schema)
    return (*fields, found.extra_dejson)


@pytest.mark.parametrize(
    ("uri", "fields"),
    [
        ("type://user:pass@host:100/schema", ("type", "user", "pass", "host", 100, "schema", {})),
        ("type://host", ("type", None, None, "host", None, "", {})),
        (
            "type://user:pass@host/schema?param1=val1&param2=val2",
            ("type", "user", "pass", "host", None, "schema", {"param1": "val1", "param2": "val2"}),
        ),
        (
            "spark://mysparkcluster.com:80?deploy-mode=cluster&spark_binary=command&namespace=kube+namespace",
            (
                *("spark", None, None, "mysparkcluster.com", 80, ""),
                {"deploy-mode": "cluster", "spark_binary": "command", "namespace": "kube namespace"},
            ),
        ),
        (
            "spark://k8s://100.68.0.1:443?deploy-mode=cluster",
            ("spark", None, None, "k8s://100.68.0.1", 443, "", {"deploy-mode": "cluster"}),
        ),
        (
            "type://protocol://user:pass@host:123?param=value",
            ("type", "user", "pass", "protocol://host", 123, "", {"param": "value"}),
        ),
        (
            "scheme://user:password@host%2Flocation:1234/schema",
            ("scheme", "user", "password", "host/location", 1234, "schema", {}),
        ),
        (
            "scheme://user:password@host%2Flocation%3Ax%3Ay:1234/schema",
            ("scheme", "user", "password", "host/location:x:y", 1234, "schema", {}),
        ),
        (
            "type://host?extra1=a%20value&extra2=",
            ("type", None, None, "host", None, "", {"extra1": "a value", "extra2": ""}),
        ),
        (
            "type://host?__extra__=%7B%22nested%22%3A%20%7B%22list%22%3A%20%5B1%2C%20%7B%22a%22%3A%20%22b%22%7D%5D%7D%7D",
            ("type", None, None, "host", None, "", NESTED),
        ),
        (
            "type://host?valid_json=%7B%22key%22%3A%22val%22%7D&invalid_json=just_a_string&empty_val=",
            (
                *("type", None, None, "host", None, ""),
                {"valid_json": {"key": "val"}, "invalid_json": "just_a_string", "empty_val": ""},
            ),
        ),
        ("scheme://domain%2Fuser:password@host", ("scheme", "domain/user", "password", "host", None, "", {})),
        (
            "scheme://user:password%20with%20space@host:1234/schema%2Ftest",
            ("scheme", "user", "password with space", "host", 1234, "schema/test", {}),
        ),
        (
            "google-cloud-platform://?key_path=%2Fkeys%2Fkey.json&project=airflow",
            (
                *("google_cloud_platform", None, None, "", None, ""),
                {"key_path": "/keys/key.json", "project": "airflow"},
            ),
        ),
        ("scheme://%2FTmP%2F:1234", ("scheme", None, None, "/TmP/", 1234, "", {})),
        ("scheme:///airflow", ("scheme", None, None, "", None, "airflow", {})),
        ("scheme://@:1234", ("scheme", None, None, "", 1234, "", {})),
        ("scheme://:password%2F%21@host", ("scheme", "", "password/!", "host", None, "", {})),
        ("scheme://login%2F%21@host", ("scheme", "login/!", None, "host", None, "", {})),
        ("http://:password@host:80/database", ("http", "", "password", "host", 80, "database", {})),
        # Airflow's processes disagree about the empty password; here it is kept.
        ("http://user:@host:80/database", ("http", "user", "", "host", 80, "database", {})),
        ("http://user:password@/database", ("http", "user", "password", "", None, "database", {})),
        (
            "postgresql://user:password@%2Fsock%2Fdir%2Fexample%3Awest1%3Adb/testdb",
            ("postgres", "user", "password", "/sock/dir/example:west1:db", None, "testdb", {}),
        ),
        (
            "spark://k8s%3a%2F%2F100.68.0.1:443?a=b",
            ("spark", None, None, "k8s://100.68.0.1", 443, "", {"a": "b"}),
        ),
        ("http://HOST/x", ("http", None, None, "host", None, "x", {})),
        ("http://[::1]:80", ("http", None, None, "::1", 80, "", {})),
        ("http://host?url=http://other", ("http", None, None, "host", None, "", {"url": "http://other"})),
        (
            "http://host?big=1e999&odd=NaN",
            ("http", None, None, "host", None, "", {"big": "1e999", "odd": "NaN"}),
        ),
    ],
)
def test_a_uri_is_read_as_airflow_reads_it(uri: str, fields: tuple[Any, ...]) -> None:
    assert parsed(uri) == fields


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("type://user:planted@protocol://host:1", "in the wrong place"),
        ("a://b://c://planted", "in the wrong place"),
        ("planted", "does not begin with type://"),
        ("://planted", "does not begin with type://"),
        ("type://user:pla#nted@host", "write %23"),
        ("type://user:planted@host:port", "its port is no number"),
        ("type://user:planted@host:99999", "outside of 0 to 65535"),
        ("type://user:pla/nted@host", "its port is no number"),
        ("type://user:planted@[::1", "a '\\[' too much"),
        ("type://host?__extra__=planted", "its __extra__ is no JSON object"),
        ("type://host?__extra__=[1]", "its __extra__ is no JSON object"),
        ("type://user:planted%00@host", "its password holds characters"),
        ('{"conn_type": "planted', "malformed JSON"),
        ('{"conn_type": "a", "password": NaN}', "malformed JSON"),
        ('{"host": "planted"}', "has no conn_type"),
        ('{"conn_type": "a", "passwort": "planted"}', "unknown keys \\(passwort\\)"),
        ('{"conn_type": "a", "password": 123}', "its password is a int"),
        ('{"conn_type": "pla nted"}', "its conn_type is no word"),
        ('{"conn_type": "a", "extra": ["planted"]}', "its extra is no JSON object"),
        ('{"conn_type": "a", "extra": "planted"}', "malformed JSON"),
        ('{"conn_type": "a", "password": "planted\\ud800"}', "its password holds characters"),
    ],
)
def test_an_unreadable_text_is_an_error_that_does_not_quote_it(text: str, complaint: str) -> None:
    with pytest.raises(ConnectionInvalid, match=complaint) as caught:
        parse_connection("db", text)
    assert "'db'" in str(caught.value)
    assert "planted" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "extra"),
    [
        ('{"conn_type": "a", "extra": null}', None),
        ('{"conn_type": "a", "extra": {"k": [1]}}', '{"k": [1]}'),
        ('{"conn_type": "a", "extra": "{\\"k\\": [1]}"}', '{"k": [1]}'),
    ],
)
def test_an_extra_is_an_object_or_its_text(text: str, extra: str | None) -> None:
    assert parse_connection("db", text).extra == extra


@pytest.mark.parametrize(("given", "plain"), [("abc-abc", "abc_abc"), ("postgresql", "postgres")])
def test_types_have_one_spelling(given: str, plain: str) -> None:
    assert parse_connection("db", json.dumps({"conn_type": given})).conn_type == plain


@pytest.mark.parametrize(("given", "port"), [(1, 1), ("1", 1), ("0", 0), (0, 0), ("", None), (None, None)])
def test_a_port_is_a_whole_number(given: object, port: int | None) -> None:
    assert parse_connection("db", json.dumps({"conn_type": "a", "port": given})).port == port


@pytest.mark.parametrize("given", ["1.5", 1.5, -1, 65_536, "65536", True, [], "x"])
def test_other_ports_are_refused(given: object) -> None:
    with pytest.raises(ConnectionInvalid, match="its port is"):
        parse_connection("db", json.dumps({"conn_type": "a", "port": given}))


@pytest.mark.parametrize("conn_id", ["12312312312213___12312321", "a_valid_conn_id_!!##", "a_-.11"])
def test_ids_may_have_some_punctuation(conn_id: str) -> None:
    assert parse_connection(conn_id, "a://").conn_id == conn_id


@pytest.mark.parametrize("conn_id", ["<script>alert(1)</script>", "", "a b", "a\n", "x" * 251])
def test_other_ids_are_refused(conn_id: str) -> None:
    with pytest.raises(ConnectionInvalid, match="is no id of a connection"):
        parse_connection(conn_id, "a://")


@given(connections())
def test_a_connection_survives_its_uri(connection: Connection) -> None:
    assert parse_connection("db", connection.get_uri()) == connection


@given(connections())
def test_a_connection_survives_its_document(connection: Connection) -> None:
    assert parse_connection("db", json.dumps(connection.to_document())) == connection


@pytest.mark.parametrize(
    "uri",
    [
        "type://user:pass@host:100/schema?param1=val1&param2=val2",
        "type://protocol://user:pass@host:100/schema?param1=val1",
        "http://http://host",
        "type://@:100",
        "type://host/?a=b",
    ],
)
def test_a_plain_uri_is_written_as_it_was_read(uri: str) -> None:
    assert parse_connection("db", uri).get_uri() == uri


def test_secrets_are_the_password_and_what_the_extra_names_like_one() -> None:
    extra = {"api_key": "k", "nested": {"Token": ["t", 7]}, "region": "eu"}
    document = {"conn_type": "a", "password": "p", "extra": extra}
    found = parse_connection("db", json.dumps(document))
    assert list(found.secrets()) == ["p", "k", "t", "7"]
    assert "'p'" not in repr(found)

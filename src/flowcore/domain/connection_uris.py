"""Connections as URIs: `type://login:password@host:port/schema?key=value`, with Airflow's rules.

- Every part is percent-encoded. A host may carry a protocol of its own: `spark://k8s://host:443`.
- The case of a host is lost unless it is percent-encoded or the host has a slash in it, like a socket.
- Each value of the query is JSON if it can be read as such, else a text. `__extra__` holds an extra
  that the query could not hold.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

from flowcore.errors import ConnectionInvalid

_SCHEME = re.compile(r"[A-Za-z0-9][\w.+-]*")
_WHOLE_EXTRA = "__extra__"


def parse_uri(conn_id: str, uri: str) -> dict[str, Any]:
    """The fields of a connection that the URI holds.

    Raises:
        ConnectionInvalid: it cannot be read; never quotes it.
    """
    location, _, query = uri.partition("?")
    scheme, separator, rest = location.partition("://")
    if not separator or not _SCHEME.fullmatch(scheme):
        raise _invalid(conn_id, "it does not begin with type://; write it like postgres://host/database")
    if "#" in uri:
        raise _invalid(conn_id, "it has a '#', which would end it; write %23 instead")
    protocol, rest = _split_protocol(conn_id, rest)
    authority, _, path = rest.partition("/")
    credentials, has_credentials, place = authority.rpartition("@")
    login, has_password, password = credentials.partition(":")
    host, port = _split_port(conn_id, place)
    return {
        "conn_type": scheme.lower(),
        "host": protocol + host,
        "login": unquote(login) if login or has_password else None,
        "password": unquote(password) if has_credentials and has_password else None,
        "schema": unquote(path),
        "port": port,
        "extra": _extra_of(conn_id, query),
    }


def format_uri(
    conn_type: str,
    *,
    host: str | None,
    login: str | None,
    password: str | None,
    schema: str | None,
    port: int | None,
    extra: Mapping[str, Any],
) -> str:
    """The URI from which `parse_uri` reads these fields."""
    protocol, host = _protocol_of(host or "")
    credentials = _credentials(login, password)
    place = _quoted_host(host) + ("" if port is None else f":{port}")
    if port is not None and not host and not credentials:
        credentials = "@"
    path = f"/{_quoted(schema)}" if schema else ""
    query = _query_of(extra)
    scheme = conn_type.lower().replace("_", "-")
    return f"{scheme}://{protocol}{credentials}{place}{path or '/' * bool(query)}{query}"


def _split_protocol(conn_id: str, rest: str) -> tuple[str, str]:
    """Take `protocol://` off the front, if it is there."""
    protocol, separator, behind = rest.partition("://")
    if not separator:
        return "", rest
    if "@" in protocol or ":" in protocol or "://" in behind:
        raise _invalid(
            conn_id, "it has '://' in the wrong place; write type://protocol://login:password@host"
        )
    return f"{protocol}://", behind


def _split_port(conn_id: str, place: str) -> tuple[str, int | None]:
    if place.startswith("["):  # an IPv6 address
        host, bracket, behind = place[1:].partition("]")
        if not bracket or (behind and not behind.startswith(":")):
            raise _invalid(conn_id, "its host has a '[' too much; write an IPv6 address like [::1]")
        port = behind[1:]
    else:
        host, _, port = place.partition(":")
    if port and not (port.isascii() and port.isdigit() and len(port) <= len("65535")):
        raise _invalid(
            conn_id,
            "its port is no number from 0 to 65535; in a password write : @ / ? # as %3A %40 %2F %3F %23",
        )
    return _host_of(host), int(port) if port else None


def _host_of(raw: str) -> str:
    decoded = unquote(raw)
    return decoded if "/" in decoded else unquote(raw.lower())


def _extra_of(conn_id: str, query: str) -> str | None:
    if not query:
        return None
    pairs = dict(parse_qsl(query, keep_blank_values=True))
    if _WHOLE_EXTRA not in pairs:
        return json.dumps({key: _typed(value) for key, value in pairs.items()})
    try:
        extra = json.loads(pairs[_WHOLE_EXTRA])
    except (ValueError, RecursionError):
        extra = None
    if not isinstance(extra, dict):
        raise _invalid(
            conn_id, f"its {_WHOLE_EXTRA} is no JSON object; write the percent-encoded form of one"
        )
    return json.dumps(extra)


def _typed(value: str) -> Any:
    try:
        typed = json.loads(value)
        json.dumps(typed, allow_nan=False)
    except (ValueError, RecursionError):
        return value
    return typed


def _protocol_of(host: str) -> tuple[str, str]:
    protocol, separator, behind = host.partition("://")
    if separator and behind and _SCHEME.fullmatch(protocol):
        return f"{protocol}://", behind
    return "", host


def _credentials(login: str | None, password: str | None) -> str:
    if password is not None:
        return f"{_quoted(login or '')}:{_quoted(password)}@"
    return f"{_quoted(login)}@" if login else ""


def _quoted_host(host: str) -> str:
    if "/" in host:
        return _quoted(host)
    # Reading a host lowers its case, except for letters that are percent-encoded.
    return re.sub("(?<!%)(?<!%[0-9A-F])[A-Z]", lambda letter: f"%{ord(letter[0]):02X}", _quoted(host))


def _query_of(extra: Mapping[str, Any]) -> str:
    if not extra:
        return ""
    flat = all(isinstance(value, str) and _typed(value) == value for value in extra.values())
    if flat and _WHOLE_EXTRA not in extra:
        query = urlencode(extra)
        if dict(parse_qsl(query, keep_blank_values=True)) == extra:
            return f"?{query}"
    return "?" + urlencode({_WHOLE_EXTRA: json.dumps(extra)})


def _quoted(text: str) -> str:
    return quote(text, safe="")


def _invalid(conn_id: str, reason: str) -> ConnectionInvalid:
    return ConnectionInvalid(f"the URI of connection {conn_id!r} cannot be read: {reason}")

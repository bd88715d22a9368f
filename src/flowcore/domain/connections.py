"""`Connection`: where an outside system is and how to log in, read from a URI or from a JSON object.

One parser serves every process, so that a text means the same everywhere. `connection_uris.py` knows
the URIs. No error quotes the text or its parts: any of them may be a password.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from flowcore.domain.connection_uris import format_uri, parse_uri
from flowcore.domain.sensitive_names import sensitive_values
from flowcore.errors import ConnectionInvalid

CONN_ID_LENGTH_MAX = 250
_CONN_ID = re.compile(r"[\w#!()\-.:/\\]+")
_CONN_TYPE = re.compile(r"\w[\w.+]*")
_PORT_MAX = 65_535


def _plain_type(conn_type: str) -> str:
    plain = conn_type.replace("-", "_")
    return "postgres" if plain == "postgresql" else plain


@attrs.frozen(kw_only=True)
class Connection:
    """One connection, with Airflow's fields.

    `extra` is the text of a JSON object; `extra_dejson` is that object. `schema` is often the name of a
    database. Neither password nor extra shows up in the `repr`.

    Raises:
        ConnectionInvalid: a field cannot be used; says which one.
    """

    conn_id: str
    conn_type: str = attrs.field(converter=_plain_type)
    host: str | None = None
    login: str | None = None
    password: str | None = attrs.field(default=None, repr=False)
    schema: str | None = None
    port: int | None = None
    extra: str | None = attrs.field(default=None, repr=False)
    description: str | None = None

    def __attrs_post_init__(self) -> None:
        if not _CONN_ID.fullmatch(self.conn_id) or len(self.conn_id) > CONN_ID_LENGTH_MAX:
            raise ConnectionInvalid(
                f"{self.conn_id[:50]!r} is no id of a connection; use letters, digits and _#!()-.:/\\, at"
                f" most {CONN_ID_LENGTH_MAX} of them"
            )
        if not _CONN_TYPE.fullmatch(self.conn_type):
            raise _invalid(self.conn_id, "its conn_type is no word; write one such as postgres or http")
        if self.port is not None and not 0 <= self.port <= _PORT_MAX:
            raise _invalid(self.conn_id, f"its port is outside of 0 to {_PORT_MAX}")
        for name, value in attrs.asdict(self).items():
            if isinstance(value, str) and not _is_text(value):
                raise _invalid(self.conn_id, f"its {name} holds characters that are no text; remove them")
        _object_of(self.conn_id, self.extra)

    @property
    def extra_dejson(self) -> dict[str, Any]:
        """The extra as an object; empty when there is none."""
        return _object_of(self.conn_id, self.extra)

    def get_uri(self) -> str:
        """The connection as a URI, from which `parse_connection` makes an equal one.

        A URI has no description, and tells no field that is None from an empty one.
        """
        return format_uri(
            self.conn_type,
            host=self.host,
            login=self.login,
            password=self.password,
            schema=self.schema,
            port=self.port,
            extra=self.extra_dejson,
        )

    def to_document(self) -> dict[str, Any]:
        """The connection as a JSON object without its id; what is not set is left out."""
        fields = attrs.asdict(self)
        del fields["conn_id"]
        if self.extra is not None:
            fields["extra"] = self.extra_dejson
        return {name: value for name, value in fields.items() if value is not None}

    def secrets(self) -> Iterator[str]:
        """Whatever in it must not be shown: the password, and what the extra names like one."""
        if self.password:
            yield self.password
        yield from sensitive_values(self.extra_dejson)


def parse_connection(conn_id: str, text: str) -> Connection:
    """Read a connection from a URI, or from a JSON object if the text begins with a brace.

    Raises:
        ConnectionInvalid: it is neither, or a field cannot be used; never quotes the text.
    """
    text = text.strip()
    if not text.startswith("{"):
        return Connection(conn_id=conn_id, **parse_uri(conn_id, text))
    return connection_of(conn_id, _object_of(conn_id, text))


def connection_of(conn_id: str, document: Mapping[str, Any]) -> Connection:
    """Make a connection from the keys of its JSON form; `extra` is an object or the text of one.

    Raises:
        ConnectionInvalid: a key is unknown or missing, or a value is of the wrong type.
    """
    known = [field.name for field in attrs.fields(Connection) if field.name != "conn_id"]
    if unknown := sorted(map(str, document.keys() - set(known))):
        raise _invalid(conn_id, f"it has unknown keys ({', '.join(unknown)}); use {', '.join(known)}")
    fields = {name: _text_or_none(conn_id, name, document.get(name)) for name in _TEXTS}
    if not fields["conn_type"]:
        raise _invalid(conn_id, "it has no conn_type; add one, such as postgres or http")
    port, extra = _port(conn_id, document.get("port")), _extra(conn_id, document.get("extra"))
    return Connection(conn_id=conn_id, port=port, extra=extra, **fields)  # type: ignore[arg-type]


_TEXTS = ("conn_type", "host", "login", "password", "schema", "description")


def _text_or_none(conn_id: str, name: str, value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise _invalid(conn_id, f"its {name} is a {type(value).__name__}; write it as a text in quotes")


def _port(conn_id: str, value: object) -> int | None:
    if value is None or value == "":
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= len(str(_PORT_MAX)):
        return int(value)
    raise _invalid(conn_id, "its port is no whole number; write it like 5432")


def _extra(conn_id: str, value: object) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        try:
            value = json.dumps(value, allow_nan=False)
        except (TypeError, ValueError, RecursionError):
            raise _invalid(conn_id, "its extra is no JSON; use strings, numbers, lists and objects") from None
    return json.dumps(_object_of(conn_id, value))


def _object_of(conn_id: str, text: str | None) -> dict[str, Any]:
    if not text:
        return {}
    try:
        found = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise _invalid(conn_id, 'it holds malformed JSON; write it like {"key": "value"}') from None
    if not isinstance(found, dict):
        raise _invalid(conn_id, 'its extra is no JSON object; write it like {"key": "value"}')
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _is_text(value: str) -> bool:
    # PostgreSQL stores no NUL, and half a surrogate pair cannot be encoded.
    return "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value)


def _invalid(conn_id: str, reason: str) -> ConnectionInvalid:
    return ConnectionInvalid(f"connection {conn_id!r} cannot be used: {reason}")

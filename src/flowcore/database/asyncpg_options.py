"""What the database URL means to asyncpg, which has words of its own for some of libpq's options."""

from __future__ import annotations

from typing import Any

from flowcore.database.urls import Target, one_value
from flowcore.errors import SettingsError

CONNECT_TIMEOUT_S = 5.0

#: Options of libpq that asyncpg would send to the server, which does not know them.
_NO_EQUIVALENT = frozenset(
    {
        "channel_binding",
        "gssdelegation",
        "gssencmode",
        "hostaddr",
        "load_balance_hosts",
        "max_protocol_version",
        "min_protocol_version",
        "replication",
        "require_auth",
        "requirepeer",
        "sslcertmode",
        "sslcompression",
        "sslcrldir",
    }
)
#: The same, for those that only tune the connection: nothing is lost without them.
_MERE_TUNING = frozenset(
    {"keepalives", "keepalives_count", "keepalives_idle", "keepalives_interval", "sslsni", "tcp_user_timeout"}
)
_NUMBERS = {
    "command_timeout": float,
    "max_cacheable_statement_size": int,
    "max_cached_statement_lifetime": int,
    "prepared_statement_cache_size": int,
    "statement_cache_size": int,
}


def connect_arguments(target: Target) -> dict[str, Any]:
    """The keyword arguments of `asyncpg.connect`, and of SQLAlchemy's dialect for it.

    Raises:
        SettingsError: an option of the URL has no equivalent, or is not a number where it must be.
    """
    query = {name: value for name, value in target.url.query.items() if name not in _MERE_TUNING}
    if unknown := sorted(query.keys() & _NO_EQUIVALENT):
        raise SettingsError(
            f"asyncpg has no equivalent of {', '.join(unknown)}; leave +asyncpg out of the database URL"
        )
    timeout_s = _number(
        "connect_timeout", one_value(query.pop("connect_timeout", str(CONNECT_TIMEOUT_S))), float
    )
    if "fallback_application_name" in query:
        query.setdefault("application_name", query.pop("fallback_application_name"))
    tuned = {
        name: _number(name, value, _NUMBERS[name])
        for name, value in target.asyncpg_options.items()
        if name in _NUMBERS
    }
    # asyncpg reads the TLS options and several hosts from a DSN only.
    dsn = target.url.set(drivername="postgresql", query=query).render_as_string(hide_password=False)
    return {"dsn": dsn, "timeout": timeout_s, **tuned}


def _number(name: str, value: str, kind: type[float] | type[int]) -> float:
    try:
        return kind(value)
    except ValueError:
        raise SettingsError(f"the database URL's option {name} is {value!r}; give it a number") from None

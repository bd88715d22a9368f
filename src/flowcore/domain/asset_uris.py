"""What assets may be called, and their URIs in one form."""

from __future__ import annotations

import warnings
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from flowcore.errors import DagError

NAME_LENGTH_MAX = 1500
#: Words that functions of `@asset` know as something else.
_RESERVED = ("self", "context")


def checked_name(what: str, name: object) -> str:
    """The name of an asset or an alias.

    Raises:
        DagError: It cannot be one.
    """
    if not isinstance(name, str) or not name.strip() or len(name) > NAME_LENGTH_MAX:
        raise DagError(
            f"{what} cannot be called {name!r:.80}; use a text of 1 to {NAME_LENGTH_MAX} characters"
        )
    if name in _RESERVED:
        raise DagError(f"{what} cannot be called {name!r}, which @asset gives to functions; choose another")
    return name


def normalized_uri(uri: str) -> str:
    """The URI without trailing slashes and fragment, its query sorted and its scheme in small letters.

    What is no URI, and schemes that begin with `x-`, are left as they are. Users and passwords are taken
    out, with a warning, because everybody could read them.

    Raises:
        DagError: It is empty or too long, or its scheme is `airflow`.
    """
    checked_name("an asset's URI", uri)
    try:
        parts = urlsplit(uri)
    except ValueError as error:
        raise DagError(f"an asset has the URI {uri!r:.80}, which cannot be read: {error}; mend it") from error
    if not parts.scheme or parts.scheme.startswith("x-"):
        return uri
    if parts.scheme == "airflow":
        raise DagError(f"an asset has the URI {uri!r:.80}; the scheme 'airflow' is reserved, use another")
    _, has_user, place = parts.netloc.rpartition("@")
    if has_user:
        warnings.warn(
            f"the URI of an asset on {place!r} had a user or a password in it, which was taken out; name a"
            " connection in the task instead",
            UserWarning,
            stacklevel=3,
        )
    query = urlencode(sorted(parse_qsl(parts.query, keep_blank_values=True)))
    return urlunsplit((parts.scheme, place, parts.path.rstrip("/") or "/", query, ""))

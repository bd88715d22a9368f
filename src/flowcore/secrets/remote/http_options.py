"""Options that all remote backends have: where a service is, and whose certificates it may show."""

from __future__ import annotations

import ssl
from urllib.parse import urlsplit


def service_url(option: str, url: str) -> str:
    """The URL without a slash at its end.

    Raises:
        ValueError: it is none; the message names the option.
    """
    if not _is_service_url(url):
        raise ValueError(f"{option} is no URL like https://secrets.example.com")
    return url.rstrip("/")


def trusted_authorities(verify: bool | str) -> ssl.SSLContext | bool:
    """What httpx shall check certificates against, for an option `verify`.

    Raises:
        ValueError: it names no file of certificates.
    """
    if isinstance(verify, bool):
        return verify
    try:
        return ssl.create_default_context(cafile=verify)
    except OSError as error:
        raise ValueError(f"verify names no file of certificates: {error}") from error


def _is_service_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - is parsed when it is looked at
    except (AttributeError, TypeError, ValueError):
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.query + parts.fragment

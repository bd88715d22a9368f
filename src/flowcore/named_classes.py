"""Classes that a setting names: by a word for those that flowcore brings, else by their dotted path.

A module is imported when its class is asked for, so the libraries that it needs may be extras.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from typing import Any

import attrs

from flowcore.entry_points import entry_points
from flowcore.errors import SettingsError


@attrs.frozen
class Source:
    """Where a class is, as `module:Class`, and the extra that installs what it needs."""

    path: str
    extra: str = ""


def load_class(kind: str, name: str, known: Mapping[str, Source], *, group: str) -> Any:
    """The class that is called `name` or is at that dotted path; `kind` says what it is, for people.

    Entry points of `group` name others.

    Raises:
        SettingsError: there is no such class, or an extra is missing.
    """
    source = known.get(name) or _installed(name, group) or Source(":".join(name.rsplit(".", 1)))
    module, _, attribute = source.path.partition(":")
    others = (
        f"name one of {', '.join(sorted(known))}, or a class as package.module.Class, or an entry point of"
        f" the group {group}"
    )
    try:
        return getattr(importlib.import_module(module), attribute)
    except ImportError as error:
        remedy = f"run `pip install 'flowcore[{source.extra}]'`" if source.extra else others
        raise SettingsError(f"{kind} {name!r} cannot be imported ({error}); {remedy}") from error
    except (AttributeError, ValueError) as error:
        raise SettingsError(f"there is no {kind} {name!r}; {others}") from error


def _installed(name: str, group: str) -> Source | None:
    point = None if "." in name else entry_points(group).get(name)
    return None if point is None else Source(point.value)


def make_from(cls: Any, kind: str, name: str, *, option: str, kwargs: str) -> Any:
    """Call a class with JSON `kwargs`, which the setting `option` holds.

    Raises:
        SettingsError: they are no JSON object, or the class refuses them.
    """
    try:
        return cls(**_arguments(option, kwargs))
    except (TypeError, ValueError) as error:
        raise SettingsError(f"{kind} {name!r} refuses its arguments: {error}; mend {option}") from None


def _arguments(option: str, kwargs: str) -> dict[str, Any]:
    try:
        arguments = json.loads(kwargs or "{}")
    except ValueError:
        # The text may hold a token, so neither it nor where it is malformed is shown.
        arguments = None
    if not isinstance(arguments, dict):
        raise SettingsError(f'{option} is no JSON object; write it like {{"url": "https://…"}}')
    return arguments

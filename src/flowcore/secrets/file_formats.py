"""Files of connections or variables: `.json`, `.yaml`, `.yml` and `.env`, with Airflow's rules.

Errors name the file and the entry, never what stands there.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from flowcore.errors import UsageError


class FileUnreadable(UsageError):
    """A file is not of the form that its name promises; says where."""


def parse_entries(path: Path, text: str) -> Mapping[str, Any]:
    """The entries of a file by name.

    Raises:
        FileUnreadable: it has no such form; two entries of an `.env` file have one name.
    """
    parse = _PARSERS.get(path.suffix or path.name)
    if parse is None:
        raise FileUnreadable(f"{path} is of no known kind; name it {', '.join(sorted(_PARSERS))}")
    return parse(path, text)


def _parse_env(path: Path, text: str) -> Mapping[str, str]:
    entries: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        name, equals, value = stripped.partition("=")
        if not (name and equals and value):
            raise FileUnreadable(f"{path} line {number} is not of the form NAME=VALUE; mend it")
        if name in entries:
            raise FileUnreadable(f"{path} line {number} gives {name} a second time; remove one")
        entries[name] = value
    return entries


def _parse_json(path: Path, text: str) -> Mapping[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise FileUnreadable(f"{path} is no JSON; write an object of names and values") from None
    return _object(path, document)


def _parse_yaml(path: Path, text: str) -> Mapping[str, Any]:
    try:
        yaml = importlib.import_module("yaml")
    except ImportError:
        raise FileUnreadable(
            f"{path} needs a package that is missing; pip install 'flowcore[yaml]'"
        ) from None
    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        raise FileUnreadable(f"{path} is no YAML; write a mapping of names and values") from None
    return _object(path, document)


def _object(path: Path, document: object) -> Mapping[str, Any]:
    if not isinstance(document, dict):
        raise FileUnreadable(f"{path} holds no object; write names and values")
    return {str(name): value for name, value in document.items()}


_PARSERS: Mapping[str, Callable[[Path, str], Mapping[str, Any]]] = {
    ".env": _parse_env,
    ".json": _parse_json,
    ".yaml": _parse_yaml,
    ".yml": _parse_yaml,
}

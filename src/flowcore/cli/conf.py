"""What a run is triggered with: `--conf` as JSON, and single params as `--param NAME=VALUE`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from flowcore.errors import ParamError


def parse_conf(text: str | None, *, option: str = "--conf") -> dict[str, Any]:
    """Read the conf of a run, or what else an option holds; none is an empty one.

    Raises:
        ParamError: it is no JSON object.
    """
    return _json_object(text, option) if text else {}


def parse_params(texts: Iterable[str]) -> dict[str, Any]:
    """Read single params by name; a value is JSON if it can be read as such, else text.

    Raises:
        ParamError: one lacks its `=`.
    """
    return dict(_param(text) for text in texts)


def _json_object(text: str, option: str) -> dict[str, Any]:
    try:
        conf = json.loads(text)
    except ValueError as error:
        raise ParamError(f"{option} is no JSON: {error}; write it like '{{\"name\": 1}}'") from error
    if not isinstance(conf, dict):
        raise ParamError(f"{option} must be a JSON object, not {text}; write it like '{{\"name\": 1}}'")
    return conf


def _param(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise ParamError(f"--param {text} lacks a name or a value; write it like --param name=value")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value

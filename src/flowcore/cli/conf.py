"""What a run is triggered with: `--conf` as JSON, and single params as `--param NAME=VALUE`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from flowcore.errors import ParamError


def parse_conf(text: str | None, params: Iterable[str] = ()) -> Mapping[str, Any]:
    """The conf of a run; params override it. A param's value is JSON if it can be read as such, else text.

    Raises:
        ParamError: the conf is no JSON object, or a param lacks its `=`.
    """
    conf = _json_object(text) if text else {}
    return {**conf, **dict(_param(param) for param in params)}


def _json_object(text: str) -> dict[str, Any]:
    try:
        conf = json.loads(text)
    except ValueError as error:
        raise ParamError(f"--conf is no JSON: {error}; write it like '{{\"name\": 1}}'") from error
    if not isinstance(conf, dict):
        raise ParamError(f"--conf must be a JSON object, not {text}; write it like '{{\"name\": 1}}'")
    return conf


def _param(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise ParamError(f"--param {text} has no value; write it like --param name=value")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value

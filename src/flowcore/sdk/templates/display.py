"""Rendered fields as a user may see them: JSON values without secrets, and not too long."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flowcore.domain.sensitive_names import is_sensitive
from flowcore.domain.storable_texts import storable
from flowcore.secrets.masking import MASK, PROCESS


def shown_fields(fields: Mapping[str, Any], *, length_max: int) -> dict[str, Any]:
    """What is kept of each field; of one whose JSON has more than `length_max` characters, its beginning."""
    return {name: _cut(_shown(value, name), length_max) for name, value in fields.items()}


def _shown(value: Any, name: str) -> Any:
    """The value where it is JSON, else its text; masked either way."""
    try:
        # One way through JSON makes tuples lists and keys strings, as the database would.
        return _masked(json.loads(json.dumps(value, allow_nan=False)), name)
    except (TypeError, ValueError, RecursionError):
        return _clean(_text(value))


def _masked(value: Any, name: str) -> Any:
    if value and is_sensitive(name) and not isinstance(value, bool):
        return MASK
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, list):
        return [_masked(item, name) for item in value]
    if isinstance(value, dict):
        return {_clean(key): _masked(item, key) for key, item in value.items()}
    return value


def _clean(text: str) -> str:
    return storable(PROCESS.mask(text))


def _text(value: Any) -> str:
    try:
        return str(value)
    # It is the author's `__str__`, and only looked at.
    except Exception as error:
        return f"<{type(value).__name__} that cannot be shown: {type(error).__name__}>"


def _cut(value: Any, length_max: int) -> Any:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if len(text) <= length_max:
        return value
    return f"{text[:length_max]}… ({len(text)} characters; max_templated_field_length is {length_max})"

"""Which ids a Dag, a task and a group may have, and how an id is made unique."""

from __future__ import annotations

import re
from collections.abc import Container

from flowcore.errors import DagError

ID_LENGTH_MAX = 250
GROUP_ID_LENGTH_MAX = 200

_ID = re.compile(r"[\w.-]+")
_GROUP_ID = re.compile(r"[\w-]+")
_NUMBERED = re.compile(r"(?P<stem>.+)__\d+")


def check_id(kind: str, value: object) -> None:
    """Raise `DagError` unless `value` can be the id of a Dag or a task; `kind` says which, for people."""
    if not isinstance(value, str) or not _ID.fullmatch(value) or len(value) > ID_LENGTH_MAX:
        raise DagError(f"{value!r} cannot be {kind}; use 1 to {ID_LENGTH_MAX} letters, digits and _ - .")


def check_group_id(value: object) -> None:
    """Raise `DagError` unless `value` can be the id of a TaskGroup (before its prefix)."""
    if not isinstance(value, str) or not _GROUP_ID.fullmatch(value) or len(value) > GROUP_ID_LENGTH_MAX:
        raise DagError(
            f"{value!r} cannot be a group_id; use 1 to {GROUP_ID_LENGTH_MAX} letters, digits and _ -"
        )


def unique_id(wanted: str, taken: Container[str]) -> str:
    """`wanted` if it is free, else the first free one of `wanted__1`, `wanted__2`, ..."""
    if wanted not in taken:
        return wanted
    numbered = _NUMBERED.fullmatch(wanted)
    stem = numbered["stem"] if numbered else wanted
    number = 1
    while f"{stem}__{number}" in taken:
        number += 1
    return f"{stem}__{number}"

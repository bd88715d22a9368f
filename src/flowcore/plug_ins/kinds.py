"""Kinds of plug-ins, and what is known of one before it is loaded."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any

import attrs


class Kind(StrEnum):
    """What a plug-in brings; named as the attributes of Airflow's plug-ins."""

    TIMETABLE = "timetables"
    WEIGHT_STRATEGY = "priority_weight_strategies"
    MACROS = "macros"
    LISTENER = "listeners"
    SECRETS_BACKEND = "secrets_backends"
    XCOM_BACKEND = "xcom_backends"

    @property
    def group(self) -> str:
        """The group of entry points."""
        return f"flowcore.{self}"


@attrs.frozen
class PlugIn:
    """One thing that somebody brings: its name, where it is (`module:name`), and who brings it."""

    kind: Kind
    name: str
    path: str
    origin: str
    load: Callable[[], Any] = attrs.field(eq=False, repr=False)


@attrs.frozen
class Problem:
    """What is not there, or not heeded, of a plug-in, and why."""

    name: str
    origin: str
    reason: str


def path_of(thing: Any) -> str:
    """Where a class or function is, or the class of an object; a module is its own place."""
    if not hasattr(thing, "__module__"):
        return str(thing.__name__)
    named = thing if hasattr(thing, "__qualname__") else type(thing)
    return f"{named.__module__}:{named.__qualname__}"

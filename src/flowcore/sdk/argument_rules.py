"""How arguments of Dags and tasks are checked: a table of rules says what is allowed and what is kept.

None means "not given" for every argument.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import attrs

from flowcore.errors import DagError


@attrs.frozen
class Rule:
    """`keep` returns what is kept of a value, or raises ValueError; `allowed` tells the author."""

    allowed: str
    keep: Callable[[Any], object]


def kept_arguments(subject: str, rules: Mapping[str, Rule], given: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of the arguments that were given to `subject` (a Dag or a task, for people).

    Raises:
        DagError: An argument has no rule, or its value is not allowed.
    """
    return {name: _keep(subject, rules, name, value) for name, value in given.items() if value is not None}


def _keep(subject: str, rules: Mapping[str, Rule], name: str, value: object) -> object:
    rule = rules.get(name)
    if rule is None:
        raise DagError(f"{subject} was given an unknown argument {name!r}; known are {', '.join(rules)}")
    try:
        return rule.keep(value)
    except ValueError:
        raise DagError(f"{subject} has {name}={value!r}; give {rule.allowed}") from None


def require(condition: bool) -> None:
    """Raise the ValueError of a broken rule unless `condition` holds."""
    if not condition:
        raise ValueError


def whole_number(value: Any) -> int:
    """Keep an int that is not a bool: in Python a bool is an int, but `retries=True` is a mistake."""
    require(isinstance(value, int) and not isinstance(value, bool))
    return int(value)


def whole_number_from(least: int) -> Rule:
    """The rule of a number of at least `least`."""

    def keep(value: Any) -> int:
        require(whole_number(value) >= least)
        return int(value)

    return Rule(f"a whole number of at least {least}", keep)


def duration(*, positive: bool) -> Rule:
    """The rule of a timedelta or a number of seconds."""

    def keep(value: Any) -> timedelta:
        length = value if isinstance(value, timedelta) else _seconds(value)
        require(length > timedelta() or (length == timedelta() and not positive))
        return length

    sign = "positive" if positive else "not negative"
    return Rule(f"a timedelta or a number of seconds that is {sign}", keep)


def _seconds(value: Any) -> timedelta:
    require(isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value))
    try:
        return timedelta(seconds=value)
    except OverflowError:
        raise ValueError from None


def _instance(allowed: str, *types: type) -> Rule:
    def keep(value: Any) -> Any:
        require(isinstance(value, types))
        return value

    return Rule(allowed, keep)


def _not_empty(value: Any) -> str:
    require(isinstance(value, str) and bool(value))
    return str(value)


TEXT = _instance("a string", str)
NAME = Rule("a string that is not empty", _not_empty)
FLAG = _instance("True or False", bool)
WHOLE = Rule("a whole number", whole_number)
MOMENT = _instance("a datetime", datetime)
MAPPING = _instance("a dict", Mapping)

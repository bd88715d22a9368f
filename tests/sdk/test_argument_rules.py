from __future__ import annotations

from datetime import timedelta

import pytest

from flowcore.errors import DagError
from flowcore.sdk.argument_rules import FLAG, NAME, WHOLE, duration, kept_arguments, whole_number_from

RULES = {
    "flag": FLAG,
    "name": NAME,
    "whole": WHOLE,
    "count": whole_number_from(1),
    "delay": duration(positive=False),
    "timeout": duration(positive=True),
}


def test_none_means_not_given():
    assert kept_arguments("task 'a'", RULES, {"count": None}) == {}


def test_seconds_become_a_timedelta():
    kept = kept_arguments("task 'a'", RULES, {"delay": 0, "timeout": 1.5})
    assert kept == {"delay": timedelta(), "timeout": timedelta(seconds=1.5)}


def test_unknown_argument_is_refused_with_the_known_ones():
    with pytest.raises(DagError, match=r"task 'a' was given an unknown argument 'cuont'; known are .*count"):
        kept_arguments("task 'a'", RULES, {"cuont": 1})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("flag", 1),
        ("name", ""),
        ("whole", 1.0),
        ("whole", True),
        ("count", 0),
        ("delay", -1),
        ("delay", timedelta(seconds=-1)),
        ("delay", float("inf")),
        ("delay", 1e300),
        ("delay", True),
        ("delay", "5"),
        ("timeout", 0),
    ],
)
def test_value_that_is_not_allowed_is_refused_with_what_is(name, value):
    with pytest.raises(DagError, match=rf"task 'a' has {name}=.*; give "):
        kept_arguments("task 'a'", RULES, {name: value})

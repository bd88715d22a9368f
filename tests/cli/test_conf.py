from __future__ import annotations

import pytest

from flowcore.cli.conf import parse_conf, parse_params
from flowcore.errors import ParamError


def test_without_conf_there_is_an_empty_one() -> None:
    assert parse_conf(None) == {}


def test_of_a_param_given_twice_the_last_counts() -> None:
    assert parse_params(["a=1", "b=2", "a=3"]) == {"a": 3, "b": 2}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("true", True),
        ('"3"', "3"),
        ("[1, 2]", [1, 2]),
        ("plain", "plain"),
        ("", ""),
        ("x=y", "x=y"),
    ],
)
def test_a_param_is_json_where_it_can_be(text: str, value: object) -> None:
    assert parse_params([f"name={text}"]) == {"name": value}


@pytest.mark.parametrize(
    ("conf", "complaint"),
    [("{", "--conf is no JSON"), ("[1]", r"--conf must be a JSON object, not \[1\]; write it like")],
)
def test_a_conf_that_cannot_be_read_is_named(conf: str, complaint: str) -> None:
    with pytest.raises(ParamError, match=complaint):
        parse_conf(conf)


@pytest.mark.parametrize("param", ["name", "=3"])
def test_a_param_without_name_or_value_is_named(param: str) -> None:
    with pytest.raises(ParamError, match=f"--param {param} .* write it like --param name=value"):
        parse_params([param])

from __future__ import annotations

import pytest

from flowcore.cli.conf import parse_conf
from flowcore.errors import ParamError


def test_params_override_the_conf() -> None:
    assert parse_conf('{"a": 1, "b": 2}', ["b=3"]) == {"a": 1, "b": 3}


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
    assert parse_conf(None, [f"name={text}"]) == {"name": value}


@pytest.mark.parametrize(
    ("conf", "params", "complaint"),
    [
        ("{", [], "--conf is no JSON"),
        ("[1]", [], "--conf must be a JSON object, not \\[1\\]"),
        (None, ["name"], "--param name has no value; write it like --param name=value"),
        (None, ["=3"], "--param =3 has no value"),
    ],
)
def test_what_cannot_be_read_is_named(conf: str | None, params: list[str], complaint: str) -> None:
    with pytest.raises(ParamError, match=complaint):
        parse_conf(conf, params)

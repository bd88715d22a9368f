from __future__ import annotations

from datetime import UTC, datetime

import pytest

from flowcore.sdk.templates.display import shown_fields
from flowcore.secrets.masking import PROCESS


class Rude:
    def __str__(self):
        raise ValueError


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text", "text"),
        ([1, ("a", None)], [1, ["a", None]]),
        ({"day": {1: True}}, {"day": {"1": True}}),
        (
            [datetime(2024, 1, 2, tzinfo=UTC)],
            "[datetime.datetime(2024, 1, 2, 0, 0, tzinfo=datetime.timezone.utc)]",
        ),
        (float("nan"), "nan"),
        (Rude(), "<Rude that cannot be shown: ValueError>"),
        ("null \0 and half a pair \ud800", "null \\x00 and half a pair \\ud800"),
    ],
)
def test_json_values_are_kept_and_others_are_texts(value, expected):
    assert shown_fields({"f": value}, length_max=100) == {"f": expected}


def test_secrets_are_masked_wherever_they_are():
    PROCESS.add(["hunter22"])
    fields = {"sql": ["x hunter22"], "env": {"API_KEY": "abc", "hunter22": 1}, "other": {"hunter22"}}
    assert shown_fields(fields, length_max=100) == {
        "sql": ["x ***"],
        "env": {"API_KEY": "***", "***": 1},
        "other": "{'***'}",
    }


def test_long_fields_are_cut_after_masking():
    PROCESS.add(["hunter22"])
    shown = shown_fields({"a": "hunter22" + "x" * 10, "b": ["x" * 10]}, length_max=6)
    assert shown["a"] == "***xxx… (13 characters; max_templated_field_length is 6)"
    assert shown["b"].startswith('["xxxx… (14 characters')

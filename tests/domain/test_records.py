from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum

import attrs
import pytest

from flowcore.domain.records import dump_record, load_record


class Colour(StrEnum):
    RED = "red"


@attrs.frozen
class Point:
    x: int = 0


@attrs.frozen(kw_only=True)
class Everything:
    name: str
    size: float = 1.0
    is_open: bool = False
    limit: int | None = None
    at: datetime | None = None
    colour: Colour | None = None
    point: Point = Point()
    tags: tuple[str, ...] = attrs.field(factory=tuple)
    rows: tuple[tuple[str, int], ...] = ()
    texts: Mapping[str, str] = attrs.field(factory=dict)


NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
FULL = Everything(
    name="n",
    size=2.5,
    is_open=True,
    limit=3,
    at=NOON,
    colour=Colour.RED,
    point=Point(7),
    tags=("a", "b"),
    rows=(("a", 1), ("b", 2)),
    texts={"k": "v"},
)


def test_defaults_are_left_out():
    assert dump_record(Everything(name="n")) == {"name": "n"}


def test_fields_become_json_values():
    assert dump_record(FULL) == {
        "name": "n",
        "size": 2.5,
        "is_open": True,
        "limit": 3,
        "at": "2024-01-01T12:00:00+00:00",
        "colour": "red",
        "point": {"x": 7},
        "tags": ["a", "b"],
        "rows": [["a", 1], ["b", 2]],
        "texts": {"k": "v"},
    }


def test_record_comes_back_as_the_same_value():
    assert load_record(Everything, dump_record(FULL)) == FULL


def test_times_come_back_in_utc():
    elsewhere = NOON.astimezone(timezone(timedelta(hours=3)))
    loaded = load_record(Everything, dump_record(Everything(name="n", at=elsewhere)))
    assert loaded.at.tzinfo is UTC


def test_field_left_out_is_given_when_loading():
    body = dump_record(FULL, without={"name"})
    assert load_record(Everything, body, name="other") == attrs.evolve(FULL, name="other")


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"name": 1}, TypeError),
        ({"name": "n", "size": "1"}, TypeError),
        ({"name": "n", "limit": True}, TypeError),
        ({"name": "n", "is_open": 1}, TypeError),
        ({"name": "n", "tags": "ab"}, TypeError),
        ({"name": "n", "rows": [["a", 1, 2]]}, ValueError),
        ({"name": "n", "rows": [["a", "b"]]}, TypeError),
        ({"name": "n", "texts": {"k": 1}}, TypeError),
        ({"name": "n", "point": []}, TypeError),
        ({"name": "n", "at": "2024-01-01T00:00"}, ValueError),
        ({"name": "n", "colour": "blue"}, ValueError),
        ({"name": "n", "other": 1}, ValueError),
        ({}, TypeError),
        ([], TypeError),
    ],
    ids=str,
)
def test_malformed_record_is_refused(body, error):
    with pytest.raises(error):
        load_record(Everything, body)

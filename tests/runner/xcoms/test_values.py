from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import attrs
import pendulum
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowcore.domain.assets import Asset
from flowcore.runner.xcoms.values import PLAIN_VALUES, XComValues
from flowcore.sdk.exceptions import XComUnreadable

MOMENT = datetime(2026, 1, 2, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


@attrs.frozen
class Order:
    number: int
    _when: datetime


@dataclasses.dataclass
class Line:
    parts: list[Any]
    total: int = dataclasses.field(init=False, default=3)


@attrs.frozen
class Versioned:
    number: int
    __version__ = 2

    def serialize(self) -> Any:
        return {"number": self.number}

    @staticmethod
    def deserialize(data: Mapping[str, Any], version: int) -> Versioned:
        return Versioned(data["number"] + version)


HERE = XComValues(f"{__name__}.*, os.PathLike")


@pytest.mark.parametrize(
    "value",
    [
        datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
        datetime(2026, 1, 2, 3, 4, tzinfo=UTC).replace(tzinfo=None),
        datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=BERLIN),
        datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=5, minutes=30))),
        date(2026, 1, 2),
        time(3, 4, 5),
        timedelta(days=-1, microseconds=7),
        UTC,
        BERLIN,
        {1, 2},
        frozenset({"a"}),
        Decimal("1.10"),
        UUID(int=7),
        b"\x00\xff",
        Asset("orders", "s3://orders", extra={"owner": "shop"}),
    ],
    ids=repr,
)
def test_pythons_own_types_come_back_as_they_were(value):
    text = PLAIN_VALUES.dumps({"it": [value, "and", 1]})
    back = PLAIN_VALUES.loads(text)
    assert back == {"it": [value, "and", 1]}
    assert type(back["it"][0]) is type(value)
    assert getattr(back["it"][0], "tzinfo", None) == getattr(value, "tzinfo", None)
    assert getattr(back["it"][0], "fold", 0) == getattr(value, "fold", 0)


def test_times_of_pendulum_are_its_own_again():
    moment = pendulum.datetime(2026, 3, 4, tz="Europe/Berlin")
    back = PLAIN_VALUES.loads(PLAIN_VALUES.dumps(moment))
    assert (back, type(back), back.timezone_name) == (moment, type(moment), "Europe/Berlin")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
TIMES = st.datetimes(timezones=st.just(UTC)) | st.timedeltas() | st.dates() | st.decimals(allow_nan=False)
NESTED = st.recursive(
    JSON | TIMES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner)
)


@given(JSON)
def test_json_is_written_as_ever(value):
    assert PLAIN_VALUES.dumps(value) == json.dumps(value)


@given(NESTED)
def test_whatever_is_inside_of_what_comes_back(value):
    assert PLAIN_VALUES.loads(PLAIN_VALUES.dumps(value)) == value


@pytest.mark.parametrize("value", [Order(1, MOMENT), Line([Order(2, MOMENT)])], ids=repr)
def test_objects_of_allowed_classes_come_back(value):
    assert HERE.loads(HERE.dumps([value])) == [value]


def test_a_class_may_know_its_versions():
    assert HERE.loads(HERE.dumps(Versioned(40))) == Versioned(42)


def test_other_classes_are_refused_when_they_are_pushed():
    with pytest.raises(TypeError, match=r"Order are handed on only if .*allowed_deserialization_classes"):
        PLAIN_VALUES.dumps([Order(1, MOMENT)])


def test_what_others_could_not_import_is_refused_when_it_is_pushed():
    @attrs.frozen
    class Inner: ...

    with pytest.raises(TypeError, match="cannot be imported by others; move it to the top level"):
        XComValues("*").dumps(Inner())


@pytest.mark.parametrize(
    "value", [object(), 1j, {"a": {object()}}, float("nan")], ids=["object", "complex", "inside", "nan"]
)
def test_what_nobody_can_write_is_refused(value):
    with pytest.raises((TypeError, ValueError), match=r"not JSON"):
        PLAIN_VALUES.dumps(value)


def test_nobody_writes_an_object_by_hand():
    with pytest.raises(ValueError, match="'__classname__' is flowcore's own"):
        PLAIN_VALUES.dumps({"__classname__": "decimal.Decimal", "__data__": "1"})


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("subprocess.Popen", "does not name it"),
        (f"{__name__}.Gone", "there is no such class any more"),
        ("os.PathLike", "not handed on"),
        ("decimal.Decimal", "decimal"),
    ],
)
def test_what_cannot_be_made_again_is_told(name, message):
    text = json.dumps({"__classname__": name, "__version__": 1, "__data__": "no number"})
    with pytest.raises(XComUnreadable, match=f"(?s){name}.*{message}"):
        HERE.loads(text)

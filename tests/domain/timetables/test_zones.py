from __future__ import annotations

from datetime import UTC, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from flowcore.domain.timetables.zones import zone_name, zone_of
from flowcore.errors import DagError


@pytest.mark.parametrize(
    ("zone", "name"),
    [
        ("Europe/Zurich", "Europe/Zurich"),
        (ZoneInfo("Europe/Zurich"), "Europe/Zurich"),
        (UTC, "UTC"),
        (ZoneInfo("UTC"), "UTC"),
        (timezone(timedelta(hours=5, minutes=30)), "UTC+05:30"),
        (timezone(-timedelta(hours=3, minutes=30)), "UTC-03:30"),
    ],
)
def test_every_zone_has_a_name(zone, name):
    assert zone_name(zone) == name


@pytest.mark.parametrize("zone", [UTC, ZoneInfo("Asia/Tokyo"), timezone(-timedelta(hours=3, minutes=30))])
def test_zone_is_found_by_its_name(zone):
    assert zone_of(zone_name(zone)) == zone


@pytest.mark.parametrize("name", ["Mars/Olympus", "Europe", "../etc/passwd", "", "UTC+5", "/etc/passwd"])
def test_unknown_zone_is_refused(name):
    with pytest.raises(DagError, match="use an IANA name such as 'Europe/Zurich'"):
        zone_name(name)

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import click
import pytest

from flowcore.cli.moments import parse_moment


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01T06:00:00", datetime(2026, 3, 1, 6, tzinfo=UTC)),
        ("2026-03-01T06:00:00+02:00", datetime(2026, 3, 1, 6, tzinfo=timezone(timedelta(hours=2)))),
    ],
)
def test_a_time_is_in_utc_unless_it_says_otherwise(text: str, moment: datetime) -> None:
    assert parse_moment(text) == moment


def test_what_is_no_time_is_shown_how_to_write_one() -> None:
    with pytest.raises(click.BadParameter, match="write it like 2026-03-01T06:00:00"):
        parse_moment("yesterday")

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pendulum
from jinja2 import Template

from flowcore.runner.author_times import author_time

MOMENT = datetime(2024, 1, 31, tzinfo=UTC)


def test_times_are_pendulums_and_equal_to_what_they_were() -> None:
    time: Any = author_time(MOMENT)
    assert (type(time), time, str(time)) == (pendulum.DateTime, MOMENT, str(MOMENT))


def test_templates_compute_with_months() -> None:
    assert Template("{{ t.add(months=1) }}").render(t=author_time(MOMENT)) == "2024-02-29 00:00:00+00:00"


def test_no_time_stays_none() -> None:
    assert author_time(None) is None

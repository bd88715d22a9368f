from __future__ import annotations

from datetime import UTC, datetime

import pytest

from flowcore.sdk.templates.environments import Templates

MOMENT = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ds", "2024-01-02"),
        ("ds_nodash", "20240102"),
        ("ts", "2024-01-02T03:04:05+00:00"),
        ("ts_nodash", "20240102T030405"),
        ("ts_nodash_with_tz", "20240102T030405+0000"),
    ],
)
def test_times_are_spelled_as_airflow_does(name, expected):
    assert Templates().render_text("{{ t | " + name + " }}", {"t": MOMENT}) == expected
    assert Templates().render_text("{{ t | " + name + " }}", {"t": None}) == "None"

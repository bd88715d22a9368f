from __future__ import annotations

from datetime import UTC, timedelta, timezone
from datetime import datetime as plain

import pytest

from flowcore.compat import airflow_timezone

EAST = timezone(timedelta(hours=2))
NAIVE = plain.fromisoformat("2026-01-02")


def test_utc_is_meant_where_no_zone_is_given():
    assert airflow_timezone.datetime(2026, 1, 2) == plain(2026, 1, 2, tzinfo=UTC)
    assert airflow_timezone.parse("2026-01-02") == plain(2026, 1, 2, tzinfo=UTC)
    assert airflow_timezone.convert_to_utc(NAIVE) == plain(2026, 1, 2, tzinfo=UTC)
    assert airflow_timezone.utcnow().tzinfo is UTC


def test_zones_are_put_on_and_taken_off():
    aware = airflow_timezone.make_aware(NAIVE, EAST)
    assert airflow_timezone.convert_to_utc(aware) == plain(2026, 1, 1, 22, tzinfo=UTC)
    assert airflow_timezone.make_naive(aware, EAST) == NAIVE


def test_no_zone_is_put_over_another():
    with pytest.raises(ValueError, match="has a zone"):
        airflow_timezone.make_aware(plain(2026, 1, 2, tzinfo=UTC))


def test_no_zone_is_taken_off_where_there_is_none():
    with pytest.raises(ValueError, match="has no zone"):
        airflow_timezone.make_naive(NAIVE)

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from flowcore import Flowcore
from flowcore.domain.backfills import ReprocessBehavior
from flowcore.errors import UsageError
from tests.app.dags import etl

FIRST, LAST = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 2, 3, tzinfo=UTC)


async def test_a_backfill_is_waited_for(fc: Flowcore) -> None:
    fc.register(etl(schedule="@daily"))
    backfill = await fc.backfill("etl", from_date=FIRST, to_date=LAST, max_active_runs=2)
    assert [planned.logical_date.day for planned in backfill.dates] == [1, 2, 3]
    assert (await backfill.wait()).runs == {"success": 3}


async def test_a_backfill_is_paused_and_goes_on(fc: Flowcore) -> None:
    fc.register(etl(schedule="@daily"))
    await fc.store_registered()
    await fc.pause("etl")
    backfill = await fc.backfill("etl", from_date=FIRST, to_date=LAST)
    await backfill.pause()
    await fc.unpause("etl")
    assert (await backfill.look()).runs == {"queued": 3}
    await backfill.unpause()
    assert (await backfill.wait()).completed_at is not None


async def test_a_cancelled_backfill_makes_room_for_another(fc: Flowcore) -> None:
    fc.register(etl(schedule="@daily"))
    await fc.store_registered()
    await fc.pause("etl")
    backfill = await fc.backfill("etl", from_date=FIRST, to_date=LAST)
    with pytest.raises(UsageError, match=f"has backfill {backfill.id} already"):
        await fc.backfill("etl", from_date=FIRST, to_date=LAST)
    await backfill.cancel()
    assert (await backfill.wait()).runs == {"failed": 3}
    await fc.unpause("etl")
    again = await fc.backfill(
        "etl", from_date=FIRST, to_date=LAST, reprocess_behavior=ReprocessBehavior.FAILED
    )
    assert (await again.wait()).runs == {"success": 3}

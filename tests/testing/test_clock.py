from __future__ import annotations

from datetime import timedelta

import anyio

from flowcore.testing import LoopClock, ManualClock, run_in_virtual_time
from flowcore.testing.clock import EPOCH


def test_manual_clock_moves_only_when_told():
    clock = ManualClock()
    clock.advance(90.0)
    assert clock.now() == EPOCH + timedelta(seconds=90)


def test_loop_clock_follows_virtual_time():
    async def sleep_a_day() -> timedelta:
        clock = LoopClock()
        began = clock.now()
        await anyio.sleep(86_400)
        return clock.now() - began

    assert run_in_virtual_time(sleep_a_day) == timedelta(days=1)

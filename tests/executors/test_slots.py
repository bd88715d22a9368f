from __future__ import annotations

import anyio
import pytest

from flowcore.domain.workloads import RunsIn
from flowcore.executors.slots import ExecutorSlots


@pytest.fixture
def slots():
    return ExecutorSlots({RunsIn.PROCESS: 1, RunsIn.WORKER: 2})


def test_slots_are_counted_by_where_tries_run(slots):
    slots.take(RunsIn.WORKER)
    assert (slots.free(), slots.running) == ({RunsIn.PROCESS: 1, RunsIn.WORKER: 1}, 1)
    slots.release(RunsIn.WORKER)
    assert (slots.free(), slots.running, slots.ended) == ({RunsIn.PROCESS: 1, RunsIn.WORKER: 2}, 0, 1)


def test_no_slot_is_less_than_none(slots):
    for _ in range(3):
        slots.take(RunsIn.WORKER)
    assert slots.free()[RunsIn.WORKER] == 0


async def test_idle_is_when_the_last_slot_is_released(slots):
    await slots.wait_idle()
    slots.take(RunsIn.PROCESS)
    slots.take(RunsIn.WORKER)
    seen = []

    async def note_idle():
        await slots.wait_idle()
        seen.append(slots.running)

    async with anyio.create_task_group() as nursery:
        nursery.start_soon(note_idle)
        slots.release(RunsIn.PROCESS)
        await anyio.wait_all_tasks_blocked()
        assert seen == []
        slots.release(RunsIn.WORKER)
    assert seen == [0]

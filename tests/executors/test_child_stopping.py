from __future__ import annotations

import os
import signal

import anyio
import pytest

from flowcore.executors.child_stopping import AT_ONCE, ChildStop, Graces, Step
from flowcore.runner.processes.children import Child, ExitStatus, open_ends

QUICK = Graces(0.05, 0.05, 1.0)
PATIENT = Graces(60.0, 60.0, 60.0)


class Stubborn:
    """A child that ends at the given signal."""

    def __init__(self, ends_at=signal.SIGKILL):
        self._ends, fds = open_ends(outputs=False)
        self._fds, self._ends_at, self.signals = fds, ends_at, []
        self.child = Child(self._ends, self._take)

    def _take(self, number, to_group):
        self.signals.append(number)
        if number == self._ends_at:
            self.child.note_end(ExitStatus(signal=number))

    def close(self):
        self._ends.close()
        for fd in self._fds:
            os.close(fd)


@pytest.fixture
def stubborn():
    made = Stubborn()
    yield made
    made.close()


async def test_process_that_ends_by_itself_is_left_alone(stubborn):
    stop = ChildStop(*Step, graces=QUICK)
    stubborn.child.note_end(ExitStatus(code=0))
    await stop.wait_end(stubborn.child)
    assert (stubborn.signals, stop.began_at, stop.was_killed) == ([], None, False)


async def test_steps_follow_each_other_until_the_process_is_gone(stubborn):
    stop = ChildStop(*Step, graces=QUICK)
    stop.begin()
    await stop.wait_end(stubborn.child)
    assert stubborn.signals == [signal.SIGINT, signal.SIGTERM, signal.SIGKILL]
    assert stop.was_killed


async def test_process_that_obeys_is_not_killed(stubborn):
    stubborn._ends_at = signal.SIGTERM
    stop = ChildStop(*Step, graces=QUICK)
    stop.begin_at(anyio.current_time() + 0.01)
    await stop.wait_end(stubborn.child)
    assert stubborn.signals == [signal.SIGINT, signal.SIGTERM]
    assert not stop.was_killed


async def test_earliest_time_counts(stubborn):
    stop = ChildStop(Step.KILL, graces=QUICK)
    stop.begin_at(anyio.current_time() + 0.01)
    stop.begin_at(anyio.current_time() + 60)
    with anyio.fail_after(30):
        await stop.wait_end(stubborn.child)


@pytest.mark.parametrize("interrupted_first", [False, True])
async def test_hurry_does_not_wait_for_what_was_patient(stubborn, interrupted_first):
    stop = ChildStop(*Step, graces=PATIENT)
    if interrupted_first:
        stop.begin()
    with anyio.fail_after(30):
        async with anyio.create_task_group() as nursery:
            nursery.start_soon(stop.wait_end, stubborn.child)
            await anyio.wait_all_tasks_blocked()
            stop.hurry(AT_ONCE)
    assert stubborn.signals[-1] == signal.SIGKILL


async def test_process_that_is_granted_time_has_it_also_when_it_was_interrupted(stubborn):
    signalled = anyio.Event()

    def take(number, to_group):
        stubborn._take(number, to_group)
        signalled.set()

    stubborn.child = Child(stubborn._ends, take)
    stop = ChildStop(Step.INTERRUPT, Step.KILL, graces=PATIENT)
    stop.begin()
    async with anyio.create_task_group() as nursery:
        nursery.start_soon(stop.wait_end, stubborn.child)
        await signalled.wait()
        stop.put_off(anyio.current_time() + 0.05)
    assert stubborn.signals == [signal.SIGINT, signal.SIGKILL]


async def test_time_that_is_granted_replaces_every_earlier_end(stubborn):
    stop = ChildStop(Step.KILL, graces=QUICK)
    stop.begin_at(anyio.current_time() + 3600)
    stop.put_off(anyio.current_time() + 7200)
    stop.begin_at(anyio.current_time() + 0.01)
    with anyio.fail_after(30):
        await stop.wait_end(stubborn.child)
    assert stubborn.signals == [signal.SIGKILL]

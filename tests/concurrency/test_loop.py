"""Under trio in virtual time; under asyncio, which has none, waits are short and real."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

import anyio
import attrs
import pytest
import trio.testing

from flowcore.clock import SystemClock
from flowcore.concurrency.loop import run_routine
from flowcore.concurrency.wakeups import Wakeups


@attrs.frozen
class Step:
    more: bool = False
    next_at: datetime | None = None
    ignores: frozenset[str] = frozenset()


@attrs.define
class Scripted:
    """Gives the steps of a script, noting when; then stops the loop."""

    script: Iterable[Step | Callable[[], Step]]
    name: str = "scripted"
    times: list[float] = attrs.field(factory=list)
    scope: anyio.CancelScope = attrs.field(factory=anyio.CancelScope)

    async def step(self, now: datetime) -> Step:
        await anyio.lowlevel.checkpoint()
        self.times.append(anyio.current_time())
        scripted = next(iter(self.script), None)
        if scripted is None:
            self.scope.cancel()
            return Step()
        return scripted if isinstance(scripted, Step) else scripted()

    @property
    def waits(self) -> list[float]:
        return [after - before for before, after in zip(self.times, self.times[1:], strict=False)]


class LoopClock:
    """Tells the time of the event loop, virtual or not, as a date."""

    def now(self) -> datetime:
        return datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=anyio.current_time())


async def play(
    *script: Step | Callable[[], Step], wakeups: Wakeups | None = None, poll_s: float = 30.0
) -> Scripted:
    routine = Scripted(iter(script))
    with routine.scope:
        await run_routine(
            routine,
            ["news"],
            wakeups=wakeups or Wakeups(),
            clock=LoopClock(),
            poll_s=poll_s,
            stepped=lambda: None,
        )
    return routine


def in_virtual_time(*script: Step, poll_s: float = 30.0) -> list[float]:
    """The waits between the steps, by a clock that jumps to the next deadline."""

    async def main() -> list[float]:
        return (await play(*script, poll_s=poll_s)).waits

    return trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


async def test_more_work_is_done_at_once() -> None:
    routine = await play(Step(more=True), Step(more=True))
    assert len(routine.times) == 3
    assert max(routine.waits) < 1


async def test_a_wake_up_during_a_step_is_not_lost() -> None:
    wakeups = Wakeups()

    def step_while_news_comes() -> Step:
        wakeups.set("news")
        return Step()

    routine = await play(step_while_news_comes, wakeups=wakeups)
    assert max(routine.waits) < 1


async def test_a_wake_up_ends_the_wait() -> None:
    wakeups = Wakeups()
    async with anyio.create_task_group() as nursery:
        nursery.start_soon(set_when_awaited, wakeups)
        routine = await play(Step(), wakeups=wakeups)
    assert max(routine.waits) < 5


async def set_when_awaited(wakeups: Wakeups) -> None:
    await anyio.wait_all_tasks_blocked()
    wakeups.set("news")


async def test_an_ignored_channel_does_not_wake() -> None:
    wakeups = Wakeups()

    def ignore_news() -> Step:
        wakeups.set("news")
        return Step(ignores=frozenset({"news"}))

    routine = await play(ignore_news, wakeups=wakeups, poll_s=0.05)
    assert routine.waits[0] >= 0.05


async def test_the_safety_poll_ends_the_wait() -> None:
    routine = await play(Step(), poll_s=0.02)
    assert routine.waits[0] >= 0.02


async def test_each_good_step_is_noted() -> None:
    noted: list[bool] = []
    routine = Scripted(iter([Step(more=True)]))
    with routine.scope:
        await run_routine(
            routine,
            [],
            wakeups=Wakeups(),
            clock=SystemClock(),
            poll_s=1,
            stepped=lambda: noted.append(True),
        )
    assert len(noted) == 2


EPOCH = datetime(2026, 3, 1, tzinfo=UTC)


def at(seconds: float) -> Step:
    return Step(next_at=EPOCH + timedelta(seconds=seconds))


def test_a_deadline_is_kept_to_the_moment() -> None:
    assert in_virtual_time(at(7.5)) == [pytest.approx(7.5)]


def test_the_poll_comes_before_a_later_deadline() -> None:
    assert in_virtual_time(at(7_200), at(3)) == [pytest.approx(30), pytest.approx(0.02)]


def test_days_pass_without_a_look_where_nothing_polls() -> None:
    assert in_virtual_time(at(86_400), poll_s=float("inf")) == [pytest.approx(86_400)]


def test_a_deadline_that_was_left_behind_is_no_reason_to_spin() -> None:
    assert in_virtual_time(at(-1), at(-1)) == [pytest.approx(0.02)] * 2

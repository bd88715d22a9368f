from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from functools import partial

import anyio
import attrs
import pytest
import trio.testing

from flowcore.concurrency.supervision import Health, RoutineBroken, supervise
from flowcore.errors import DatabaseUnavailable

BUG, AWAY = ValueError("bug"), DatabaseUnavailable("the server is gone")
GOOD = None


@attrs.define
class Body:
    """Fails as scripted, noting when; a GOOD step is noted, and after the script it goes on for ever."""

    script: Iterable[Exception | None]
    times: list[float] = attrs.field(factory=list)

    async def __call__(self, *, stepped: Callable[[], None]) -> None:
        self.times.append(anyio.current_time())
        for outcome in self.script:
            await anyio.lowlevel.checkpoint()
            if outcome is not None:
                raise outcome
            stepped()
        await anyio.sleep_forever()


def supervised(
    *script: Exception | None, patience_s: float = 60.0, for_s: float = 600.0
) -> tuple[Body, Health]:
    """Supervise a body in virtual time for ten minutes."""
    body, health = Body(iter(script)), Health("routine")

    async def main() -> None:
        with anyio.move_on_after(for_s):
            await supervise(body, health, patience_s=patience_s, jitter=random.Random(0))

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    return body, health


def test_a_body_that_failed_is_started_again_later_and_later() -> None:
    body, health = supervised(*[BUG] * 6)
    waits = [after - before for before, after in zip(body.times, body.times[1:], strict=False)]
    assert len(waits) == 6
    for number, wait in enumerate(waits):
        assert 0.5 <= wait / (0.1 * 2**number) <= 1.5
    assert (health.failures, health.last_error) == (6, "ValueError: bug")


def test_no_wait_gets_longer_than_seconds() -> None:
    body, _ = supervised(*[AWAY] * 30)
    assert max(after - before for before, after in zip(body.times, body.times[1:], strict=False)) <= 15


def test_a_body_that_keeps_failing_is_broken() -> None:
    with pytest.raises(RoutineBroken, match="routine has failed for 60 s: bug") as caught:
        supervised(*[BUG] * 100)
    assert caught.value.__cause__ is BUG


def test_a_good_step_renews_the_patience() -> None:
    _, health = supervised(*[BUG, BUG, BUG, BUG, BUG, GOOD] * 8, BUG, patience_s=10)
    assert health.failures == 41
    assert health.failures_in_a_row == 1


def test_a_database_that_is_away_breaks_nothing() -> None:
    _, health = supervised(*[AWAY] * 40)
    assert health.failures == 40


def test_a_failure_before_the_database_went_away_does_not_count_for_as_long_as_it_was() -> None:
    _, health = supervised(BUG, *[AWAY] * 20, BUG, GOOD)
    assert health.failures == 22
    assert health.failures_in_a_row == 0


async def test_a_failing_body_leaves_its_sibling_alone() -> None:
    sibling_went_on = anyio.Event()

    async def sibling(*, stepped: Callable[[], None]) -> None:
        await anyio.sleep(0.05)
        stepped()
        sibling_went_on.set()
        await anyio.sleep_forever()

    run = partial(supervise, patience_s=60, jitter=random.Random(0))
    failing = Health("failing")
    with anyio.fail_after(30):
        async with anyio.create_task_group() as nursery:
            nursery.start_soon(run, Body(iter([BUG])), failing)
            nursery.start_soon(run, sibling, Health("sibling"))
            await sibling_went_on.wait()
            nursery.cancel_scope.cancel()
    assert failing.failures == 1


async def test_a_cancellation_is_no_failure() -> None:
    health = Health("routine")
    with anyio.move_on_after(0.01) as scope:
        await supervise(Body(iter([GOOD])), health, patience_s=60, jitter=random.Random(0))
    assert scope.cancelled_caught
    assert health.failures == 0

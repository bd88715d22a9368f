from __future__ import annotations

import os
import signal
from functools import partial

import anyio
import pytest

from flowcore.cli.failures import Interrupted, report_failure
from flowcore.cli.interruption import cancelled_by_signal


async def signal_myself(log: list[str], *signals: signal.Signals) -> None:
    async with cancelled_by_signal(partial(log.append, "told")):
        for signum in signals:
            os.kill(os.getpid(), signum)
        try:
            await anyio.sleep_forever()
        finally:
            log.append("cleaned up")


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_cancels_the_block(signum: signal.Signals) -> None:
    log: list[str] = []
    with pytest.raises(Interrupted, match=f"interrupted by {signum.name}"):
        await signal_myself(log, signum)
    assert log == ["told", "cleaned up"]


async def test_a_second_signal_changes_nothing() -> None:
    log: list[str] = []
    with pytest.raises(Interrupted):
        await signal_myself(log, signal.SIGINT, signal.SIGTERM)
    assert log == ["told", "cleaned up"]


async def test_without_a_signal_the_block_just_ends() -> None:
    log: list[str] = []
    async with cancelled_by_signal(partial(log.append, "told")):
        await anyio.lowlevel.checkpoint()
    assert log == []
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


async def fail() -> None:
    async with cancelled_by_signal(lambda: None):
        raise LookupError


async def test_what_the_block_raises_is_kept() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        await fail()
    assert isinstance(caught.value.exceptions[0], LookupError)


@pytest.mark.parametrize(("signum", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_exit_status_names_the_signal(signum: signal.Signals, status: int) -> None:
    assert report_failure(Interrupted(signum)) == status

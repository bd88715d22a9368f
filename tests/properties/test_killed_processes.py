from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from tests.properties.killed_processes import run_scene
from tests.runner.children import ROOT, descendants, is_alive, wait_until_blocking

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.mark.parametrize("seed", range(2))
async def test_whoever_is_killed_nothing_is_left_and_everybody_is_told(seed):
    tally = await run_scene(seed, tries=15, kills=6)
    assert tally.reported + tally.silent + tally.not_begun == 15


@pytest.mark.soak
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("seed", range(100, 120))
async def test_whoever_is_killed_nothing_is_left_in_many_scenes(seed):
    tally = await run_scene(seed, tries=60, kills=30)
    assert tally.reported + tally.silent + tally.not_begun == 60


def test_killed_scheduler_takes_everything_with_it(anyio_backend_name):
    before = descendants()
    with subprocess.Popen(
        [sys.executable, "-m", "tests.properties.killed_processes", anyio_backend_name],
        stdout=subprocess.PIPE,
        cwd=ROOT,
    ) as scheduler:
        assert scheduler.stdout.readline() == b"busy\n"
        below = descendants() - before
        assert len(below) > 8
        scheduler.send_signal(signal.SIGKILL)
    wait_until_blocking(lambda: not any(map(is_alive, below)))

"""Schedulers, their processes, the server and the network fail at random; in the end nothing of it shows.

Final states are those of the oracle, which knows of no fault; no claim was executed twice, nothing that a
fenced try did counts, and no task instance, process, connection or lease is left. Processes are not moved by
hand, so a seed repeats what was asked for and which faults happened when, and not every interleaving.
"""

from __future__ import annotations

import os
import random

import pytest

from tests.acceptance.chaos.run import Chaos, Size
from tests.acceptance.chaos.server import mortal_server

pytestmark = [pytest.mark.slow, pytest.mark.postgres]

SHORT = Size(duration_s=75.0, fault_every_s=1.5, task_instances=800)
LONG = Size(duration_s=1_800.0, fault_every_s=2.0, task_instances=20_000)
#: An environment variable with the seed of a chaos that is to be repeated.
SEED = "CHAOS_SEED"


def have_chaos(folder, size, seed):
    seed = int(os.environ.get(SEED, seed))
    again = f"to repeat it: {SEED}={seed} .venv/bin/pytest {os.environ['PYTEST_CURRENT_TEST'].split(' ')[0]}"
    print(again)
    with mortal_server() as server:
        report = Chaos(folder, server, seed, size).carry_out()
    print(report)
    return report


@pytest.mark.timeout(900)
def test_a_chaos_of_a_minute_loses_and_doubles_nothing(tmp_path):
    report = have_chaos(tmp_path, SHORT, 20_261)
    assert report.faults.total() > 20


@pytest.mark.soak
@pytest.mark.timeout(3_600)
def test_a_chaos_of_half_an_hour_loses_and_doubles_nothing(tmp_path):
    report = have_chaos(tmp_path, LONG, random.randrange(2**32))
    assert report.faults.total() > 400
